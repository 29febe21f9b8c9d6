using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Whole vectors where they fit, part of one at the end of a row: the same code then serves both.</summary>
internal static unsafe class Edge<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged
    where M : struct, IStored<S, T>
{
    /// <summary>The next vector of n elements, lanes beyond them holding pad.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Load(S* x, nint n, double pad) => n >= V.Count ? M.Load<V>(x) : M.LoadPart<V>(x, n, Const.Of<T>(pad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Store(V v, S* y, nint n)
    {
        if (n >= V.Count) M.Store(v, y);
        else M.StorePart(v, y, n);
    }

    /// <summary>A whole vector, past the caches if the kernel streams.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Put<B>(V v, S* y) where B : struct, IChoice
    {
        if (B.Yes) M.Stream(v, y);
        else M.Store(v, y);
    }
}
