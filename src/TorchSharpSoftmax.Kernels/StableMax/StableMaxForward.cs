using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>StableMax, or its logarithm, of contiguous rows, one row after the other.</summary>
internal readonly unsafe struct StableMaxForward(void* x, void* y, nint length, bool log, bool stream) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        for (nint row = first; row < end; row++)
        {
            S* from = (S*)x + row * length, to = (S*)y + row * length;
            var sum = StableSum.Of(new StableMaxRow<V, S, T, M>(from, length));
            StableMaxRow<V, S, T, M>.Write(from, to, length, sum, log, stream);
        }
    }
}

/// <summary>Rows of one element, whatever their layout: 1, or its logarithm 0; NaN for NaN and infinities, as x - x is.</summary>
internal readonly unsafe struct StableMaxOfOne(void* x, void* y, bool log) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        V one = V.Broadcast(log ? T.Zero : T.One);
        for (nint i = first; i < end; i += V.Count)
        {
            V v = Edge<V, S, T, M>.Load((S*)x + i, end - i, 0);
            Edge<V, S, T, M>.Store(v - v + one, (S*)y + i, end - i);
        }
    }
}
