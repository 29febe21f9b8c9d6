using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>x *= factor, in place: gradients that were computed before their upstream gradient was known.</summary>
internal readonly unsafe struct CutCrossEntropyScale(void* x, nint length, double factor) : IRowKernel
{
    /// <summary>Rounded once more to the stored type; for a power of two exact.</summary>
    internal static void Run<S>(S* x, nint length, double factor, int threads) where S : unmanaged
    {
        if (length == 0) return;
        Isa.Run<S, CutCrossEntropyScale>(new(x, length, factor), RowBlocks.Count(length), RowBlocks.Size(length), threads);
    }

    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        var (at, n) = RowBlocks.Range(first, end, length);
        CutCrossEntropyScalePasses<V, S, T, M>.Multiply((S*)x + at, n, factor);
    }
}

/// <summary>The single walk over a gradient that scales it.</summary>
internal static unsafe class CutCrossEntropyScalePasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static void Multiply(S* x, nint n, double factor)
    {
        nint k = V.Count;
        V u = V.Broadcast(Const.Of<T>(factor));
        for (nint i = 0; i < n; i += k)
        {
            Cache.Prefetch(x + i);
            Edge<V, S, T, M>.Store(Edge<V, S, T, M>.Load(x + i, n - i, 0) * u, x + i, n - i);
        }
    }
}
