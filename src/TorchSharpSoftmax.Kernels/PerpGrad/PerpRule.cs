namespace TorchSharpSoftmax.Kernels;

/// <summary>What becomes of a gradient: ofGradient * g + ofWeight * w.</summary>
internal readonly record struct PerpFactors(double OfGradient, double OfWeight)
{
    internal bool ChangeNothing => this == new PerpFactors(1, 0);
}

/// <summary>The options of perpGrad, and what they make of a gradient.</summary>
internal readonly record struct PerpRule(bool Rescale, double Eps, double Strength)
{
    /// <summary>A gradient whose orthogonal part is smaller than this share of it is parallel to its weight up to rounding.</summary>
    internal static double Tolerance<S>() where S : unmanaged =>
        typeof(S) == typeof(float) ? 1.0 / (1 << 23) : typeof(S) == typeof(double) ? 1.0 / (1L << 49) : typeof(S) == typeof(Half) ? 1.0 / (1 << 10) : 1.0 / (1 << 7);

    /// <summary>From the sums, the measured square of the orthogonal part (<see cref="PerpSums.Orthogonal"/> where that does not cancel) and the type's tolerance.</summary>
    internal PerpFactors Factors(in PerpSums sums, double orthogonal, double tolerance)
    {
        if (sums.Weight == 0) return new(1, 0);
        double removed = Strength * sums.Dot / (sums.Weight + Eps), kept = sums.Along - removed;
        double square = orthogonal + kept * kept * sums.Weight;
        if (square <= tolerance * tolerance * sums.Gradient && sums.Gradient > 0) return new(0, 0);
        double factor = Rescale && sums.Gradient > 0 ? Math.Sqrt(sums.Gradient / square) : 1;
        return new(factor, -factor * removed);
    }
}
