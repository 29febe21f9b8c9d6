namespace TorchSharpSoftmax.Kernels;

/// <summary>Gradients without their part along their weights: perpGrad of "Grokking at the Edge of Numerical Stability".</summary>
/// <remarks>
/// Types: float and double, with all arithmetic in double; <see cref="BFloat16"/> and <see cref="Half"/>, with all arithmetic in float, in which their products
/// are exact, and sums without drift. Two passes over memory, a third where the gradient is near its weight: 2 degrees for float, 6 for the 16-bit types, 30 for double. Results do not depend on the number of threads.
/// </remarks>
public static unsafe partial class PerpGradKernels
{
    /// <summary>Every row is projected on its own; y may be g's own memory.</summary>
    internal static void Project<S>(S* w, S* g, S* y, nint rows, nint length, in PerpRule rule, int threads) where S : unmanaged
    {
        if (rows == 0 || length == 0) return;
        if (RowBlocks.Count(length) == 1)
        {
            bool stream = Streams(w, g, y, rows * length);
            Isa.RunWide<S, PerpGradProjection>(new(w, g, y, length, rule, stream), rows, length, threads);
            return;
        }
        var precision = PerpPrecision.Of<S>();
        for (nint at = 0; at < rows * length; at += length)
        {
            PerpSums sums = Sums(w + at, g + at, length, threads);
            double orthogonal = precision.MustMeasure(sums) ? Orthogonal(w + at, g + at, length, sums, threads) : sums.Orthogonal;
            Write(w + at, g + at, y + at, length, rule.Factors(sums, orthogonal, precision), threads);
        }
    }

    internal static PerpSums Sums<S>(S* w, S* g, nint length, int threads) where S : unmanaged
    {
        PerpSums all = default;
        if (length == 0) return all;
        nint blocks = RowBlocks.Count(length);
        PerpSums* parts = stackalloc PerpSums[RowBlocks.Most];
        Isa.RunWide<S, PerpGradBlockSums>(new(w, g, length, parts), blocks, RowBlocks.Size(length), threads);
        for (nint block = 0; block < blocks; block++) all += parts[block];
        return all;
    }

    /// <summary>The orthogonal part's square, measured; the sums are those of this vector, or of a larger one that it belongs to.</summary>
    internal static double Orthogonal<S>(S* w, S* g, nint length, in PerpSums sums, int threads) where S : unmanaged
    {
        double all = 0;
        if (length == 0) return all;
        nint blocks = RowBlocks.Count(length);
        double* parts = stackalloc double[RowBlocks.Most];
        Isa.RunWide<S, PerpGradBlockSquares>(new(w, g, length, sums.Along, sums.Gradient, parts), blocks, RowBlocks.Size(length), threads);
        for (nint block = 0; block < blocks; block++) all += parts[block];
        return all;
    }

    internal static void Write<S>(S* w, S* g, S* y, nint length, in PerpFactors factors, int threads) where S : unmanaged
    {
        if (length == 0) return;
        Isa.RunWide<S, PerpGradBlockWrites>(
            new(w, g, y, length, factors, Streams(w, g, y, length)), RowBlocks.Count(length), RowBlocks.Size(length), threads);
    }

    private static bool Streams<S>(S* w, S* g, S* y, nint n) where S : unmanaged => y != g && y != w && Cache.Streams(y, n);
}
