using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>bfloat16: the upper half of a float; written rounded to nearest, ties to even, NaN kept.</summary>
internal readonly unsafe struct AsBFloat16 : IStored<BFloat16, float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<V>(BFloat16* p) where V : unmanaged, ILanes<V, float> => V.Load16((ushort*)p) << 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadPart<V>(BFloat16* p, nint n, float pad) where V : unmanaged, ILanes<V, float> =>
        V.Load16Part((ushort*)p, n, (ushort)(BitConverter.SingleToUInt32Bits(pad) >> 16)) << 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<V>(V v, BFloat16* p) where V : unmanaged, ILanes<V, float> => V.Store16(Narrow(v), (ushort*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart<V>(V v, BFloat16* p, nint n) where V : unmanaged, ILanes<V, float> => V.Store16Part(Narrow(v), (ushort*)p, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream<V>(V v, BFloat16* p) where V : unmanaged, ILanes<V, float> => V.Stream16(Narrow(v), (ushort*)p);

    /// <summary>A lane as wide as two elements: the even ones and the odd ones need no shuffle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<V>(BFloat16* p, out V a, out V b) where V : unmanaged, ILanes<V, float>
    {
        V both = V.Load((float*)p);
        a = both << 16;
        b = both & V.Bits(0xFFFF_0000);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PutPair<V, B>(V a, V b, BFloat16* p)
        where V : unmanaged, ILanes<V, float>
        where B : struct, IChoice
    {
        V half = V.Bits(0x7FFF), last = V.Bits(1); // half a last place, and one more where that place is odd
        a = V.AddBits(V.AddBits(a, half), (a >>> 16) & last) >>> 16;
        b = V.AddBits(V.AddBits(b, half), (b >>> 16) & last) & V.Bits(0xFFFF_0000);
        V both = a | b;
        if (B.Yes) V.Stream(both, (float*)p);
        else V.Store(both, (float*)p);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Narrow<V>(V v) where V : unmanaged, ILanes<V, float>
    {
        V upper = v >>> 16;
        V rounded = V.AddBits(V.AddBits(v, V.Bits(0x7FFF)), upper & V.Bits(1)) >>> 16;
        return V.WhereNaN(v, upper | V.Bits(0x0040), rounded); // rounding could carry a NaN over into infinity or zero
    }
}
