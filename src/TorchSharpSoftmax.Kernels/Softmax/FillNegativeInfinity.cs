using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Log-sum-exp of rows without elements.</summary>
internal readonly unsafe struct FillNegativeInfinity(void* y) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        for (nint row = first; row < end; row++) M.StorePart(new Lane1<T>(T.NegativeInfinity), (S*)y + row, 1);
    }
}
