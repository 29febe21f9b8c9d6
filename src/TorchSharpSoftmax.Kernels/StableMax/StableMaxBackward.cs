using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>dx = p / (1 + |x|) * (dy - sum(p * dy)), or for the logarithm dx = (dy - p * sum(dy)) / (1 + |x|), of contiguous rows, from x.</summary>
/// <remarks>The sum that p takes is taken again, in the walk that sums p * dy anyway: that is as cheap as reading it, and nothing is kept in between.</remarks>
internal readonly unsafe struct StableMaxBackward(void* x, void* dy, void* dx, nint length, bool log, bool stream) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        for (nint row = first; row < end; row++)
        {
            S* p = (S*)x + row * length, q = (S*)dy + row * length, to = (S*)dx + row * length;
            var ofRow = StableGradient.Of(new StableMaxRow<V, S, T, M>(p, q, length, log), new StableMaxRow<V, S, T, M>(p, length), log);
            StableMaxRow<V, S, T, M>.WriteGradient(p, q, to, length, ofRow, log, stream);
        }
    }
}
