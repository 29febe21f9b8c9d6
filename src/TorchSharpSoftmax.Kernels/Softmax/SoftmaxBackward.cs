using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>dx = y * (dy - sum(dy * y)), or for log-softmax dx = dy - e^y * sum(dy), of contiguous rows; those of dy begin step elements after one another.</summary>
/// <remarks>The row's sum is taken in the same blocks however many threads run.</remarks>
internal readonly unsafe struct SoftmaxBackward(void* y, void* dy, nint step, void* dx, nint length, bool log, bool cached, bool stream) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        if (cached && length <= SoftmaxBackwardPasses<V, S, T, M>.LongestShort)
        {
            if (log) SoftmaxBackwardPasses<V, S, T, M>.ShortRows<OfLogSoftmax<V, T>>((S*)y, (S*)dy, step, (S*)dx, length, first, end);
            else SoftmaxBackwardPasses<V, S, T, M>.ShortRows<OfSoftmax<V, T>>((S*)y, (S*)dy, step, (S*)dx, length, first, end);
            return;
        }
        for (nint row = first; row < end; row++)
        {
            nint at = row * length, size = RowBlocks.Size(length);
            S* upstream = (S*)dy + row * step;
            double sum = 0;
            for (nint i = 0; i < length; i += size)
                sum += Sum<V, S, T, M>((S*)y + at + i, upstream + i, Math.Min(size, length - i), log);
            Write<V, S, T, M>((S*)y + at, upstream, (S*)dx + at, length, sum, log, stream);
        }
    }

    internal static double Sum<V, S, T, M>(S* y, S* dy, nint n, bool log)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T> =>
        log ? SoftmaxBackwardPasses<V, S, T, M>.Sum(dy, n) : SoftmaxBackwardPasses<V, S, T, M>.Dot(y, dy, n);

    internal static void Write<V, S, T, M>(S* y, S* dy, S* dx, nint n, double sum, bool log, bool stream)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        if (log && stream) SoftmaxBackwardPasses<V, S, T, M>.Write<OfLogSoftmax<V, T>, Yes>(y, dy, dx, n, sum);
        else if (log) SoftmaxBackwardPasses<V, S, T, M>.Write<OfLogSoftmax<V, T>, No>(y, dy, dx, n, sum);
        else if (stream) SoftmaxBackwardPasses<V, S, T, M>.Write<OfSoftmax<V, T>, Yes>(y, dy, dx, n, sum);
        else SoftmaxBackwardPasses<V, S, T, M>.Write<OfSoftmax<V, T>, No>(y, dy, dx, n, sum);
    }
}

/// <summary>dx = e^(x - lse) * dy of contiguous rows, lse and dy one number per row; a unit is one block of one row.</summary>
internal readonly unsafe struct LogSumExpBackward(void* x, void* lse, void* dy, void* dx, nint length, bool stream) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        nint size = RowBlocks.Size(length), blocks = RowBlocks.Count(length);
        for (nint unit = first; unit < end; unit++)
        {
            nint row = unit / blocks, at = unit % blocks * size, n = Math.Min(size, length - at);
            T log = ((T*)lse)[row], grad = Lane1<T>.Max(M.Load<Lane1<T>>((S*)dy + row));
            S* from = (S*)x + row * length + at, to = (S*)dx + row * length + at;
            if (stream) SoftmaxBackwardPasses<V, S, T, M>.WriteOfLogSumExp<Yes>(from, to, n, log, grad);
            else SoftmaxBackwardPasses<V, S, T, M>.WriteOfLogSumExp<No>(from, to, n, log, grad);
        }
    }
}
