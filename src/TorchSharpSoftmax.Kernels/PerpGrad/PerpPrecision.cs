namespace TorchSharpSoftmax.Kernels;

/// <summary>What an element type can tell apart.</summary>
/// <param name="Parallel">A gradient whose orthogonal part is this share of it, or less, is parallel to its weight up to rounding.</param>
/// <param name="Cancels">An orthogonal part whose square is less than this share of the whole's is measured: a difference of sums would be too rough for the type.</param>
internal readonly record struct PerpPrecision(double Parallel, double Cancels)
{
    internal static PerpPrecision Of<S>() where S : unmanaged =>
        typeof(S) == typeof(double) ? new(1.0 / (1L << 49), 0.25)
        : typeof(S) == typeof(float) ? new(1.0 / (1 << 23), 1e-3)
        : typeof(S) == typeof(Half) ? new(1.0 / (1 << 10), 0.01)
        : new(1.0 / (1 << 7), 0.01);

    /// <summary>That of a vector whose parts are of several types: the roughest counts.</summary>
    internal static PerpPrecision Rougher(PerpPrecision a, PerpPrecision b) => new(Math.Max(a.Parallel, b.Parallel), Math.Max(a.Cancels, b.Cancels));

    internal bool MustMeasure(in PerpSums sums) => sums.Orthogonal < Cancels * sums.Gradient;
}
