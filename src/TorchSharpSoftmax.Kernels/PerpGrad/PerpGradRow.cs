using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>One vector, or one block of a long one, from the passes.</summary>
internal static unsafe class PerpGradRow<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    /// <summary>Squares in float are right between these. Beyond, the numbers themselves are scaled: by 2^80 or 2^-80 every bfloat16's square is in range.</summary>
    private const double Least = 1.0 / (1L << 60), Most = (double)(1L << 50) * (1L << 50), Up = (double)(1L << 40) * (1L << 40), Down = 1 / Up;

    internal static PerpSums Sums(S* w, S* g, nint n)
    {
        PerpSums sums = PerpGradPasses<V, S, T, M>.Sums<No>(w, g, n, 1, 1);
        if (typeof(T) == typeof(double) || (IsSafe(sums.Weight) && IsSafe(sums.Gradient))) return sums;
        double ofWeight = Scale(sums.Weight), ofGradient = Scale(sums.Gradient);
        sums = PerpGradPasses<V, S, T, M>.Sums<Yes>(w, g, n, ofWeight, ofGradient);
        return new(sums.Dot / ofWeight / ofGradient, sums.Weight / ofWeight / ofWeight, sums.Gradient / ofGradient / ofGradient);
    }

    /// <summary>|g - along w|^2 for a g of about that square, which says how to scale.</summary>
    internal static double Orthogonal(S* w, S* g, nint n, double along, double gradientSquare)
    {
        double scale = double.IsNormal(gradientSquare) ? Math.ScaleB(1, Math.Clamp(-Math.ILogB(gradientSquare) / 2, -120, 120)) : 1;
        return PerpGradPasses<V, S, T, M>.Square(w, g, n, scale, along) / scale / scale;
    }

    internal static void Write(S* w, S* g, S* y, nint n, in PerpFactors factors, bool stream)
    {
        if (factors.ChangeNothing && g == y) return;
        if (stream) PerpGradPasses<V, S, T, M>.Write<Yes>(w, g, y, n, factors.Scale, factors.Removed);
        else PerpGradPasses<V, S, T, M>.Write<No>(w, g, y, n, factors.Scale, factors.Removed);
    }

    private static bool IsSafe(double square) => square is >= Least and <= Most;

    private static double Scale(double square) => IsSafe(square) ? 1 : square < Least ? Up : Down; // an overflow is NaN by now
}
