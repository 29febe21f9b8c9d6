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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Narrow<V>(V v) where V : unmanaged, ILanes<V, float>
    {
        V upper = v >>> 16;
        V rounded = V.AddBits(V.AddBits(v, V.Bits(0x7FFF)), upper & V.Bits(1)) >>> 16;
        return V.WhereNaN(v, upper | V.Bits(0x0040), rounded); // rounding could carry a NaN over into infinity or zero
    }
}
