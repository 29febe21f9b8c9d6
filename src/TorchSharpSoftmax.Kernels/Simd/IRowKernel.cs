using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Work in independent units (rows, or blocks of one row) that <see cref="Isa"/> runs at one width, for one element type, on some threads.</summary>
internal interface IRowKernel
{
    void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>;
}
