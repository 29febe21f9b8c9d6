using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Float with double arithmetic: exact on the way in, rounded to nearest on the way out.</summary>
internal readonly unsafe struct AsSingle : IStored<float, double>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<V>(float* p) where V : unmanaged, ILanes<V, double> => V.Load32(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadPart<V>(float* p, nint n, double pad) where V : unmanaged, ILanes<V, double> => V.Load32Part(p, n, (float)pad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<V>(V v, float* p) where V : unmanaged, ILanes<V, double> => V.Store32(v, p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart<V>(V v, float* p, nint n) where V : unmanaged, ILanes<V, double> => V.Store32Part(v, p, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream<V>(V v, float* p) where V : unmanaged, ILanes<V, double> => V.Stream32(v, p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<V>(float* p, out V a, out V b) where V : unmanaged, ILanes<V, double>
    {
        a = V.Load32(p);
        b = V.Load32(p + V.Count);
    }

    /// <summary>Streamed, p need only be aligned to half of sizeof(V).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PutPair<V, B>(V a, V b, float* p)
        where V : unmanaged, ILanes<V, double>
        where B : struct, IChoice
    {
        if (B.Yes)
        {
            V.Stream32(a, p);
            V.Stream32(b, p + V.Count);
        }
        else
        {
            V.Store32(a, p);
            V.Store32(b, p + V.Count);
        }
    }
}
