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
