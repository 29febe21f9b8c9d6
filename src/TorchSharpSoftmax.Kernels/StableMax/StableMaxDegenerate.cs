using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

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

/// <summary>The gradient of rows of one element, whatever their layout: 0; NaN where x or dy is no number.</summary>
internal readonly unsafe struct StableMaxOfOneBackward(void* x, void* dy, void* dx) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        for (nint i = first; i < end; i += V.Count)
        {
            V v = Edge<V, S, T, M>.Load((S*)x + i, end - i, 0), d = Edge<V, S, T, M>.Load((S*)dy + i, end - i, 0);
            Edge<V, S, T, M>.Store((v - v) + (d - d), (S*)dx + i, end - i);
        }
    }
}
