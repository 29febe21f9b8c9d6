using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Float and double: stored as they are computed.</summary>
internal readonly unsafe struct AsItself<T> : IStored<T, T> where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<V>(T* p) where V : unmanaged, ILanes<V, T> => V.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadPart<V>(T* p, nint n, T pad) where V : unmanaged, ILanes<V, T> => V.LoadPart(p, n, pad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<V>(V v, T* p) where V : unmanaged, ILanes<V, T> => V.Store(v, p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart<V>(V v, T* p, nint n) where V : unmanaged, ILanes<V, T> => V.StorePart(v, p, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream<V>(V v, T* p) where V : unmanaged, ILanes<V, T> => V.Stream(v, p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<V>(T* p, out V a, out V b) where V : unmanaged, ILanes<V, T>
    {
        a = V.Load(p);
        b = V.Load(p + V.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PutPair<V, B>(V a, V b, T* p)
        where V : unmanaged, ILanes<V, T>
        where B : struct, IChoice
    {
        if (B.Yes)
        {
            V.Stream(a, p);
            V.Stream(b, p + V.Count);
        }
        else
        {
            V.Store(a, p);
            V.Store(b, p + V.Count);
        }
    }
}
