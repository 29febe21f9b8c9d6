using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>One contiguous row, from its passes. A long row is always summed in the same blocks, so that threads that share it answer the same bits as one.</summary>
internal static unsafe class SoftmaxRow<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    internal static SoftmaxSum Sum(S* x, nint n, SoftmaxAlgorithm algorithm)
    {
        if (algorithm == SoftmaxAlgorithm.TwoPass)
        {
            SoftmaxSum sum = SoftmaxPasses<V, S, T, M>.RunningSum(x, Math.Min(n, RowBlocks.Size(n)));
            for (nint at = RowBlocks.Size(n); at < n; at += RowBlocks.Size(n))
                sum = SoftmaxSum.Merge(sum, SoftmaxPasses<V, S, T, M>.RunningSum(x + at, Math.Min(RowBlocks.Size(n), n - at)));
            if (sum.IsExact) return sum;
        }
        return SumByMax<No>(x, null, n);
    }

    /// <summary>Three-Pass's first two passes, the exponentials kept.</summary>
    internal static SoftmaxSum KeptSum(S* x, T* kept, nint n) => SumByMax<Yes>(x, kept, n);

    internal static void Write(S* x, S* y, nint n, in SoftmaxSum sum, bool stream)
    {
        if (stream) SoftmaxPasses<V, S, T, M>.Normalize<Yes>(x, y, n, sum.Frame, sum.Factor);
        else SoftmaxPasses<V, S, T, M>.Normalize<No>(x, y, n, sum.Frame, sum.Factor);
    }

    internal static void WriteKept(T* kept, S* y, nint n, in SoftmaxSum sum, bool stream)
    {
        if (stream) SoftmaxPasses<V, S, T, M>.Rescale<Yes>(kept, y, n, sum.Factor);
        else SoftmaxPasses<V, S, T, M>.Rescale<No>(kept, y, n, sum.Factor);
    }

    internal static void WriteLog(S* x, S* y, nint n, in SoftmaxSum sum, bool stream)
    {
        if (stream) SoftmaxPasses<V, S, T, M>.Subtract<Yes>(x, y, n, sum.Max, sum.LogOverMax<T>());
        else SoftmaxPasses<V, S, T, M>.Subtract<No>(x, y, n, sum.Max, sum.LogOverMax<T>());
    }

    /// <summary>log(sum e^x): NaN for a NaN, else the maximum where that is infinite.</summary>
    internal static T LogSumExp(S* x, nint n, in SoftmaxSum sum)
    {
        if (double.IsFinite(sum.Max) && double.IsFinite(sum.Sum)) return Const.Of<T>(sum.Max + sum.LogOverMax<T>());
        return SoftmaxPasses<V, S, T, M>.HasNaN(x, n) ? T.NaN : Const.Of<T>(sum.Max);
    }

    private static SoftmaxSum SumByMax<K>(S* x, T* kept, nint n) where K : struct, IChoice
    {
        T max = SoftmaxPasses<V, S, T, M>.Max(x, n);
        var frame = Frame.Of(max);
        double sum = 0;
        for (nint at = 0; at < n; at += RowBlocks.Size(n))
            sum += SoftmaxPasses<V, S, T, M>.SumIn<K>(x + at, kept + at, Math.Min(RowBlocks.Size(n), n - at), frame);
        return new(sum, Const.ToDouble(max), frame);
    }
}
