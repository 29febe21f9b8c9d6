using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The first n of eight 16-bit integers, for widths that have no 16-bit masks; built in registers, since small stores followed by a wide load stall.</summary>
internal static unsafe class Part16
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<ushort> Load(ushort* p, nint n, ushort pad)
    {
        ulong pads = pad * 0x0001_0001_0001_0001UL;
        return Vector128.Create(Load4(p, Math.Min(n, 4), pads), n > 4 ? Load4(p + 4, n - 4, pads) : pads).AsUInt16();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Store(Vector128<ushort> v, ushort* p, nint n)
    {
        Store4(v.AsUInt64().ToScalar(), p, Math.Min(n, 4));
        if (n > 4) Store4(v.AsUInt64().GetElement(1), p + 4, n - 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Load4(ushort* p, nint n, ulong pads) => n switch
    {
        4 => Unsafe.ReadUnaligned<ulong>(p),
        3 => (pads << 48) | ((ulong)p[2] << 32) | Unsafe.ReadUnaligned<uint>(p),
        2 => (pads << 32) | Unsafe.ReadUnaligned<uint>(p),
        1 => (pads << 16) | p[0],
        _ => pads,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store4(ulong four, ushort* p, nint n)
    {
        if (n == 4)
        {
            Unsafe.WriteUnaligned(p, four);
            return;
        }
        if (n >= 2) Unsafe.WriteUnaligned(p, (uint)four);
        if ((n & 1) != 0) p[n - 1] = (ushort)(four >> (n == 3 ? 32 : 0));
    }
}
