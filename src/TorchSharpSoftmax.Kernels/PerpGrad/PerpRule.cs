namespace TorchSharpSoftmax.Kernels;

/// <summary>What becomes of a gradient: scale * (g - removed * w).</summary>
internal readonly record struct PerpFactors(double Scale, double Removed)
{
    internal bool ChangeNothing => this == new PerpFactors(1, 0);
}

/// <summary>The options of perpGrad, and what they make of a gradient.</summary>
internal readonly record struct PerpRule(bool Rescale, double Eps, double Strength)
{
    /// <summary>From the sums, the measured square of the orthogonal part (<see cref="PerpSums.Orthogonal"/> where that is precise) and the type's precision.</summary>
    internal PerpFactors Factors(in PerpSums sums, double orthogonal, PerpPrecision precision)
    {
        if (sums.Weight == 0) return new(1, 0);
        double removed = Strength * sums.Dot / (sums.Weight + Eps), kept = sums.Along - removed;
        double square = orthogonal + kept * kept * sums.Weight;
        if (square <= precision.Parallel * precision.Parallel * sums.Gradient && sums.Gradient > 0) return new(0, 0);
        return new(Rescale && sums.Gradient > 0 ? Math.Sqrt(sums.Gradient / square) : 1, removed);
    }
}
