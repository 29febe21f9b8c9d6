using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>One lane: runs anywhere, and is what the other widths are tested against.</summary>
internal readonly unsafe struct Lane1<T>(T v) : ILanes<Lane1<T>, T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly T _v = v;

    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> Broadcast(T value) => new(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> Load(T* p) => new(*p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> LoadPart(T* p, nint n, T pad) => new(n > 0 ? *p : pad);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lane1<T> v, T* p) => *p = v._v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart(Lane1<T> v, T* p, nint n)
    {
        if (n > 0) *p = v._v;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream(Lane1<T> v, T* p) => *p = v._v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> operator +(Lane1<T> a, Lane1<T> b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> operator -(Lane1<T> a, Lane1<T> b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> operator *(Lane1<T> a, Lane1<T> b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> operator /(Lane1<T> a, Lane1<T> b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> Fma(Lane1<T> a, Lane1<T> b, Lane1<T> c) => new(T.FusedMultiplyAdd(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> AtLeast(Lane1<T> x, Lane1<T> floor) => x._v < floor._v ? floor : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> AtMost(Lane1<T> x, Lane1<T> ceiling) => x._v > ceiling._v ? ceiling : x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> Abs(Lane1<T> x) => new(T.Abs(x._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> Round(Lane1<T> x) => new(T.Round(x._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> Scale(Lane1<T> m, Lane1<T> n)
    {
        // As the vectors do it: n + bias in the low bits of a sum, shifted into the exponent.
        if (typeof(T) == typeof(float))
        {
            float cut = (n._v < Const.Of<T>(-127) ? -127f : Unsafe.BitCast<T, float>(n._v)) + (12582912f + 127);
            return new(m._v * Unsafe.BitCast<int, T>(BitConverter.SingleToInt32Bits(cut) << 23));
        }
        else
        {
            double cut = (n._v < Const.Of<T>(-1023) ? -1023 : Unsafe.BitCast<T, double>(n._v)) + (6755399441055744.0 + 1023);
            return new(m._v * Unsafe.BitCast<long, T>(BitConverter.DoubleToInt64Bits(cut) << 52));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> ExponentOf(Lane1<T> x) => typeof(T) == typeof(float)
        ? new(Unsafe.BitCast<float, T>((int)(x.AsBits >> 23) - 127))
        : new(Unsafe.BitCast<double, T>((int)(Unsafe.BitCast<T, ulong>(x._v) >> 52) - 1023));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sum(Lane1<T> v) => v._v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Max(Lane1<T> v) => v._v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> Load16(ushort* p) => Bits(Alone(*p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> Load16Part(ushort* p, nint n, ushort pad) => Bits(Alone(n > 0 ? *p : pad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16(Lane1<T> bits, ushort* p) => *p = (ushort)bits.AsBits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16Part(Lane1<T> bits, ushort* p, nint n)
    {
        if (n > 0) *p = (ushort)bits.AsBits;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream16(Lane1<T> bits, ushort* p) => *p = (ushort)bits.AsBits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> Load32(float* p) => new(Unsafe.BitCast<double, T>(*p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> Load32Part(float* p, nint n, float pad) => new(Unsafe.BitCast<double, T>(n > 0 ? *p : pad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store32(Lane1<T> v, float* p) => *p = (float)Unsafe.BitCast<T, double>(v._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store32Part(Lane1<T> v, float* p, nint n)
    {
        if (n > 0) Store32(v, p);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream32(Lane1<T> v, float* p) => Store32(v, p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> Bits(uint pattern) => new(Unsafe.BitCast<uint, T>(pattern));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> operator &(Lane1<T> a, Lane1<T> b) => Bits(a.AsBits & b.AsBits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> operator |(Lane1<T> a, Lane1<T> b) => Bits(a.AsBits | b.AsBits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> operator <<(Lane1<T> bits, int count) => Bits(bits.AsBits << count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> operator >>>(Lane1<T> bits, int count) => Bits(bits.AsBits >>> count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> AddBits(Lane1<T> a, Lane1<T> b) => Bits(a.AsBits + b.AsBits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> WhereLess(Lane1<T> a, Lane1<T> b, Lane1<T> then, Lane1<T> otherwise) => a._v < b._v ? then : otherwise;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lane1<T> WhereNaN(Lane1<T> x, Lane1<T> then, Lane1<T> otherwise) => T.IsNaN(x._v) ? then : otherwise;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyLess(Lane1<T> a, Lane1<T> b) => a._v < b._v;

    /// <summary>The same bits, kept apart from their load: the .NET 10 JIT reads four bytes where a 16-bit load becomes a float's bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Alone(uint bits) => Vector128.ToScalar(Vector128.CreateScalar(bits));

    private uint AsBits
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Unsafe.BitCast<T, uint>(_v);
    }
}
