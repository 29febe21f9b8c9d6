using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Rows of one element, whatever their layout: 1, its logarithm 0, and the element; NaN for NaN and infinities, as x - x is.</summary>
internal readonly unsafe struct SoftmaxOfOne(void* x, void* y, SoftmaxOutput output) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        V one = V.Broadcast(output == SoftmaxOutput.Softmax ? T.One : T.Zero);
        for (nint i = first; i < end; i += V.Count)
        {
            V v = Edge<V, S, T, M>.Load((S*)x + i, end - i, 0);
            if (output == SoftmaxOutput.LogSumExp) Edge<V, T, T, AsItself<T>>.Store(v, (T*)y + i, end - i);
            else Edge<V, S, T, M>.Store(v - v + one, (S*)y + i, end - i);
        }
    }
}

/// <summary>Log-sum-exp of rows without elements: the logarithm of 0.</summary>
internal readonly unsafe struct LogSumExpOfNone(void* y) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        for (nint row = first; row < end; row++) ((T*)y)[row] = T.NegativeInfinity;
    }
}
