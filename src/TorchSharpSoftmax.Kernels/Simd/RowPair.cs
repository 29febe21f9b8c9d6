using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Two rows become two neighbouring columns: of elements of four bytes two by two as 64 bits, half the loads and stores, which are all that a transpose costs.</summary>
internal static unsafe class RowPair<S> where S : unmanaged
{
    private static bool AreWords
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => sizeof(S) == 4 && BitConverter.IsLittleEndian;
    }

    /// <summary>to[i * step] = a[i] and to[i * step + 1] = b[i].</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Spread(S* a, S* b, nint count, S* to, nint step)
    {
        nint i = 0;
        for (; AreWords && i + 4 <= count; i += 4, to += 4 * step)
        {
            ulong a0 = *(ulong*)(a + i), b0 = *(ulong*)(b + i), a1 = *(ulong*)(a + i + 2), b1 = *(ulong*)(b + i + 2);
            *(ulong*)to = (uint)a0 | (b0 << 32);
            *(ulong*)(to + step) = (a0 >> 32) | (b0 & 0xFFFFFFFF00000000);
            *(ulong*)(to + 2 * step) = (uint)a1 | (b1 << 32);
            *(ulong*)(to + 3 * step) = (a1 >> 32) | (b1 & 0xFFFFFFFF00000000);
        }
        for (; i < count; i++, to += step) (to[0], to[1]) = (a[i], b[i]);
    }
}
