using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>IEEE half precision, exact on the way in, rounded to nearest, ties to even, on the way out; subnormals, infinities and NaN included.</summary>
/// <remarks>By integer arithmetic: .NET has no vector conversion between half and float.</remarks>
internal readonly unsafe struct AsHalf : IStored<Half, float>
{
    private const uint Infinity = 0x7C00;
    private const float TwoTo112 = 5192296858534827628530496329220096f, SmallestNormal = 1f / 16384;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<V>(Half* p) where V : unmanaged, ILanes<V, float> => Widen(V.Load16((ushort*)p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadPart<V>(Half* p, nint n, float pad) where V : unmanaged, ILanes<V, float> =>
        Widen(V.Load16Part((ushort*)p, n, (ushort)(pad == 0 ? 0 : Infinity | 0x8000)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<V>(V v, Half* p) where V : unmanaged, ILanes<V, float> => V.Store16(Narrow(v), (ushort*)p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart<V>(V v, Half* p, nint n) where V : unmanaged, ILanes<V, float> => V.Store16Part(Narrow(v), (ushort*)p, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream<V>(V v, Half* p) where V : unmanaged, ILanes<V, float> => V.Stream16(Narrow(v), (ushort*)p);

    /// <summary>A lane as wide as two elements: the even ones and the odd ones need no shuffle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<V>(Half* p, out V a, out V b) where V : unmanaged, ILanes<V, float>
    {
        V both = V.Load((float*)p);
        a = Widen(both & V.Bits(0xFFFF));
        b = Widen(both >>> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PutPair<V, B>(V a, V b, Half* p)
        where V : unmanaged, ILanes<V, float>
        where B : struct, IChoice
    {
        V both = NarrowNumber(a) | (NarrowNumber(b) << 16);
        if (B.Yes) V.Stream(both, (float*)p);
        else V.Store(both, (float*)p);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Widen<V>(V half) where V : unmanaged, ILanes<V, float>
    {
        V sign = (half & V.Bits(0x8000)) << 16;
        V value = ((half & V.Bits(0x7FFF)) << 13) * V.Broadcast(TwoTo112); // the biases differ by 112; a product also lifts subnormals
        V special = value | V.Bits(0x7F80_0000); // half's largest exponent means infinity or NaN: so does float's
        return V.WhereLess(value, V.Broadcast(65536f), value, special) | sign;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Narrow<V>(V v) where V : unmanaged, ILanes<V, float>
    {
        V size = v & V.Bits(0x7FFF_FFFF), sign = (v & V.Bits(0x8000_0000)) >>> 16;
        V normal = V.AddBits(V.AddBits(size, V.Bits(unchecked(0xFFF - (112u << 23)))), (size >>> 13) & V.Bits(1)) >>> 13;
        V subnormal = (size + V.Broadcast(0.5f)) & V.Bits(0x7FF); // 0.5 has half's smallest subnormal, 2^-24, as its last place
        V finite = V.WhereLess(size, V.Broadcast(SmallestNormal), subnormal, normal);
        V number = V.WhereLess(size, V.Broadcast(65520f), finite, V.Bits(Infinity));
        return V.WhereNaN(v, V.Bits(Infinity | 0x200) | ((size >>> 13) & V.Bits(0x3FF)), number) | sign;
    }

    /// <summary>The same without NaN, written out: one call more, and passes would be over the JIT's inlining budget.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V NarrowNumber<V>(V v) where V : unmanaged, ILanes<V, float>
    {
        V size = v & V.Bits(0x7FFF_FFFF), sign = (v & V.Bits(0x8000_0000)) >>> 16;
        V normal = V.AddBits(V.AddBits(size, V.Bits(unchecked(0xFFF - (112u << 23)))), (size >>> 13) & V.Bits(1)) >>> 13;
        V subnormal = (size + V.Broadcast(0.5f)) & V.Bits(0x7FF);
        V finite = V.WhereLess(size, V.Broadcast(SmallestNormal), subnormal, normal);
        return V.WhereLess(size, V.Broadcast(65520f), finite, V.Bits(Infinity)) | sign;
    }
}
