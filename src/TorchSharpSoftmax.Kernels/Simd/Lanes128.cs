using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TorchSharpSoftmax.Kernels;

/// <summary>128 bits: any x64, and Arm.</summary>
internal readonly unsafe struct Lanes128<T>(Vector128<T> v) : ILanes<Lanes128<T>, T> where T : unmanaged
{
    private readonly Vector128<T> _v = v;

    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128<T>.Count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> Broadcast(T value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> Load(T* p) => new(Vector128.Load(p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> LoadPart(T* p, nint n, T pad)
    {
        if (!Avx.IsSupported)
        {
            T* lanes = stackalloc T[Vector128<T>.Count];
            for (nint i = 0; i < Vector128<T>.Count; i++) lanes[i] = i < n ? p[i] : pad;
            return Load(lanes);
        }
        var first = First(n);
        Vector128<T> loaded = typeof(T) == typeof(float)
            ? Avx.MaskLoad((float*)p, first.AsSingle()).As<float, T>()
            : Avx.MaskLoad((double*)p, first.AsDouble()).As<double, T>();
        return new(Vector128.ConditionalSelect(first, loaded, Vector128.Create(pad)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes128<T> v, T* p) => v._v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart(Lanes128<T> v, T* p, nint n)
    {
        if (!Avx.IsSupported)
        {
            T* lanes = stackalloc T[Vector128<T>.Count];
            Store(v, lanes);
            for (nint i = 0; i < n; i++) p[i] = lanes[i];
        }
        else if (typeof(T) == typeof(float)) Avx.MaskStore((float*)p, First(n).AsSingle(), v._v.AsSingle());
        else Avx.MaskStore((double*)p, First(n).AsDouble(), v._v.AsDouble());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream(Lanes128<T> v, T* p) => v._v.StoreAlignedNonTemporal(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> operator +(Lanes128<T> a, Lanes128<T> b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> operator -(Lanes128<T> a, Lanes128<T> b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> operator *(Lanes128<T> a, Lanes128<T> b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> operator /(Lanes128<T> a, Lanes128<T> b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> Fma(Lanes128<T> a, Lanes128<T> b, Lanes128<T> c) => typeof(T) == typeof(float)
        ? new(Vector128.FusedMultiplyAdd(a._v.AsSingle(), b._v.AsSingle(), c._v.AsSingle()).As<float, T>())
        : new(Vector128.FusedMultiplyAdd(a._v.AsDouble(), b._v.AsDouble(), c._v.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> AtLeast(Lanes128<T> x, Lanes128<T> floor)
    {
        if (!Sse2.IsSupported) return new(Vector128.Max(floor._v, x._v));
        return typeof(T) == typeof(float) // MAXPS answers its second operand to a NaN
            ? new(Sse.Max(floor._v.AsSingle(), x._v.AsSingle()).As<float, T>())
            : new(Sse2.Max(floor._v.AsDouble(), x._v.AsDouble()).As<double, T>());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> AtMost(Lanes128<T> x, Lanes128<T> ceiling)
    {
        if (!Sse2.IsSupported) return new(Vector128.Min(ceiling._v, x._v));
        return typeof(T) == typeof(float) // as MAXPS
            ? new(Sse.Min(ceiling._v.AsSingle(), x._v.AsSingle()).As<float, T>())
            : new(Sse2.Min(ceiling._v.AsDouble(), x._v.AsDouble()).As<double, T>());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> Abs(Lanes128<T> x) => new(Vector128.Abs(x._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> Round(Lanes128<T> x) => typeof(T) == typeof(float)
        ? new(Vector128.Round(x._v.AsSingle()).As<float, T>())
        : new(Vector128.Round(x._v.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> Scale(Lanes128<T> m, Lanes128<T> n)
    {
        // Adding 1.5 * 2^23 + bias leaves n + bias in the low bits; shifted into the exponent they are 2^n, or exactly 0 at the cut-off.
        if (typeof(T) == typeof(float))
        {
            var cut = Vector128.MaxNative(n._v.AsSingle(), Vector128.Create(-127f)) + Vector128.Create(12582912f + 127);
            return new((m._v.AsSingle() * (cut.AsInt32() << 23).AsSingle()).As<float, T>());
        }
        else
        {
            var cut = Vector128.MaxNative(n._v.AsDouble(), Vector128.Create(-1023.0)) + Vector128.Create(6755399441055744.0 + 1023);
            return new((m._v.AsDouble() * (cut.AsInt64() << 52).AsDouble()).As<double, T>());
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> ExponentOf(Lanes128<T> x)
    {
        // The exponent's bits below those of 2^23 (2^52) make that number larger by the exponent itself.
        if (typeof(T) == typeof(float))
        {
            var large = ((x._v.AsUInt32() >>> 23) | Vector128.Create(8388608f).AsUInt32()).AsSingle();
            return new((large - Vector128.Create(8388608f + 127)).As<float, T>());
        }
        else
        {
            var large = ((x._v.AsUInt64() >>> 52) | Vector128.Create(4503599627370496.0).AsUInt64()).AsDouble();
            return new((large - Vector128.Create(4503599627370496.0 + 1023)).As<double, T>());
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sum(Lanes128<T> v) => Vector128.Sum(v._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Max(Lanes128<T> v)
    {
        Vector128<ulong> halves = v._v.AsUInt64();
        Vector128<T> w = Vector128.MaxNative(v._v, Vector128.Shuffle(halves, Vector128.Create(1UL, 0)).As<ulong, T>());
        if (typeof(T) == typeof(float)) w = Vector128.MaxNative(w, Vector128.Shuffle(w.AsSingle(), Vector128.Create(1, 0, 3, 2)).As<float, T>());
        return w.ToScalar();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> Load16(ushort* p) => Widen(Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(p)).AsUInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> Load16Part(ushort* p, nint n, ushort pad) => Widen(Part16.Load(p, n, pad));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16(Lanes128<T> bits, ushort* p) => Unsafe.WriteUnaligned(p, Narrow(bits).AsUInt64().ToScalar());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16Part(Lanes128<T> bits, ushort* p, nint n) => Part16.Store(Narrow(bits), p, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream16(Lanes128<T> bits, ushort* p)
    {
        if (Sse2.X64.IsSupported) Sse2.X64.StoreNonTemporal((long*)p, Narrow(bits).AsInt64().ToScalar());
        else Store16(bits, p);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lanes128<T> Widen(Vector128<ushort> v) => new(Vector128.WidenLower(v).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ushort> Narrow(Lanes128<T> bits) => Vector128.Narrow(bits._v.AsUInt32(), bits._v.AsUInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> Load32(float* p) => WidenSingles(Unsafe.ReadUnaligned<ulong>(p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> Load32Part(float* p, nint n, float pad)
    {
        if (n >= 2) return Load32(p);
        ulong pads = BitConverter.SingleToUInt32Bits(pad);
        return WidenSingles(pads << 32 | (n > 0 ? BitConverter.SingleToUInt32Bits(*p) : pads));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store32(Lanes128<T> v, float* p) => Unsafe.WriteUnaligned(p, NarrowSingles(v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store32Part(Lanes128<T> v, float* p, nint n)
    {
        if (n >= 2) Store32(v, p);
        else if (n > 0) *p = BitConverter.UInt32BitsToSingle((uint)NarrowSingles(v));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream32(Lanes128<T> v, float* p)
    {
        if (Sse2.X64.IsSupported) Sse2.X64.StoreNonTemporal((ulong*)p, NarrowSingles(v));
        else Store32(v, p);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lanes128<T> WidenSingles(ulong two) => new(Vector128.WidenLower(Vector128.CreateScalar(two).AsSingle()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong NarrowSingles(Lanes128<T> v) => Vector128.Narrow(v._v.AsDouble(), v._v.AsDouble()).AsUInt64().ToScalar();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> Bits(uint pattern) => new(Vector128.Create(pattern).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> operator &(Lanes128<T> a, Lanes128<T> b) => new(a._v & b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> operator |(Lanes128<T> a, Lanes128<T> b) => new(a._v | b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> operator <<(Lanes128<T> bits, int count) => new((bits._v.AsUInt32() << count).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> operator >>>(Lanes128<T> bits, int count) => new((bits._v.AsUInt32() >>> count).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> AddBits(Lanes128<T> a, Lanes128<T> b) => new((a._v.AsUInt32() + b._v.AsUInt32()).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> WhereLess(Lanes128<T> a, Lanes128<T> b, Lanes128<T> then, Lanes128<T> otherwise) =>
        new(Vector128.ConditionalSelect(Vector128.LessThan(a._v, b._v), then._v, otherwise._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128<T> WhereNaN(Lanes128<T> x, Lanes128<T> then, Lanes128<T> otherwise) =>
        new(Vector128.ConditionalSelect(Vector128.Equals(x._v, x._v), otherwise._v, then._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyLess(Lanes128<T> a, Lanes128<T> b) => Vector128.LessThanAny(a._v, b._v);

    /// <summary>The mask of the first n lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<T> First(nint n) => typeof(T) == typeof(float)
        ? Vector128.GreaterThan(Vector128.Create((int)n), Vector128<int>.Indices).As<int, T>()
        : Vector128.GreaterThan(Vector128.Create((long)n), Vector128<long>.Indices).As<long, T>();
}
