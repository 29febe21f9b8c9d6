using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>All that a projection needs to know of a weight and its gradient: w . g, |w|^2 and |g|^2.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly record struct PerpSums(double Dot, double Weight, double Gradient)
{
    public static PerpSums operator +(PerpSums a, PerpSums b) => new(a.Dot + b.Dot, a.Weight + b.Weight, a.Gradient + b.Gradient);

    /// <summary>By how much of the weight the gradient exceeds its orthogonal part; 0 for a weight of zeros.</summary>
    internal double Along => Weight == 0 ? 0 : Dot / Weight;

    /// <summary>|g|^2 less the parallel part's: the orthogonal part's square, right while the two are not nearly equal.</summary>
    internal double Orthogonal => Gradient - Along * Dot;
}
