using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The sums of one contiguous row, or of blocks of it: in the same blocks whoever walks them, so that threads that share a row answer the same bits as one.</summary>
internal readonly unsafe struct StableMaxRow<V, S, T, M>(S* x, S* dy, nint length, bool log) : IStableSums
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    /// <summary>Without a gradient: sum(s(x)) alone.</summary>
    internal StableMaxRow(S* x, nint length) : this(x, null, length, false)
    {
    }

    public (double Sum, double Dot) Over(StableWeights weights)
    {
        var (sum, dot) = OfBlock(0, weights);
        for (nint block = 1; block < RowBlocks.Count(length); block++)
        {
            var (s, d) = OfBlock(block, weights);
            sum += s;
            dot += d;
        }
        return (sum, dot);
    }

    internal (double Sum, double Dot) OfBlock(nint block, StableWeights weights)
    {
        var (at, n) = RowBlocks.Range(block, block + 1, length);
        if (dy == null) return (StableMaxPasses<V, S, T, M>.Sum(x + at, n, weights.Scale), 0);
        return log
            ? StableMaxBackwardPasses<V, S, T, M>.Sums<Yes>(x + at, dy + at, n, weights)
            : StableMaxBackwardPasses<V, S, T, M>.Sums<No>(x + at, dy + at, n, weights);
    }

    internal static void Write(S* x, S* y, nint n, StableSum sum, bool log, bool stream)
    {
        if (log && stream) StableMaxPasses<V, S, T, M>.WriteLog<Yes>(x, y, n, sum.Log);
        else if (log) StableMaxPasses<V, S, T, M>.WriteLog<No>(x, y, n, sum.Log);
        else if (stream) StableMaxPasses<V, S, T, M>.Write<Yes>(x, y, n, sum.Weights);
        else StableMaxPasses<V, S, T, M>.Write<No>(x, y, n, sum.Weights);
    }

    internal static void WriteGradient(S* x, S* dy, S* dx, nint n, StableGradient row, bool log, bool stream)
    {
        if (log && stream) StableMaxBackwardPasses<V, S, T, M>.Write<OfLogStableMax<V, T>, Yes>(x, dy, dx, n, row);
        else if (log) StableMaxBackwardPasses<V, S, T, M>.Write<OfLogStableMax<V, T>, No>(x, dy, dx, n, row);
        else if (stream) StableMaxBackwardPasses<V, S, T, M>.Write<OfStableMax<V, T>, Yes>(x, dy, dx, n, row);
        else StableMaxBackwardPasses<V, S, T, M>.Write<OfStableMax<V, T>, No>(x, dy, dx, n, row);
    }
}
