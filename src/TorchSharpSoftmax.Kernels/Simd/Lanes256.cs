using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TorchSharpSoftmax.Kernels;

/// <summary>256 bits: AVX2 and FMA.</summary>
internal readonly unsafe struct Lanes256<T>(Vector256<T> v) : ILanes<Lanes256<T>, T> where T : unmanaged
{
    private readonly Vector256<T> _v = v;

    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256<T>.Count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> Broadcast(T value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> Load(T* p) => new(Vector256.Load(p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> LoadPart(T* p, nint n, T pad)
    {
        var first = First(n);
        Vector256<T> loaded = typeof(T) == typeof(float)
            ? Avx.MaskLoad((float*)p, first.AsSingle()).As<float, T>()
            : Avx.MaskLoad((double*)p, first.AsDouble()).As<double, T>();
        return new(Vector256.ConditionalSelect(first, loaded, Vector256.Create(pad)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes256<T> v, T* p) => v._v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart(Lanes256<T> v, T* p, nint n)
    {
        if (typeof(T) == typeof(float)) Avx.MaskStore((float*)p, First(n).AsSingle(), v._v.AsSingle());
        else Avx.MaskStore((double*)p, First(n).AsDouble(), v._v.AsDouble());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream(Lanes256<T> v, T* p) => v._v.StoreAlignedNonTemporal(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> operator +(Lanes256<T> a, Lanes256<T> b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> operator -(Lanes256<T> a, Lanes256<T> b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> operator *(Lanes256<T> a, Lanes256<T> b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> operator /(Lanes256<T> a, Lanes256<T> b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> Fma(Lanes256<T> a, Lanes256<T> b, Lanes256<T> c) => typeof(T) == typeof(float)
        ? new(Vector256.FusedMultiplyAdd(a._v.AsSingle(), b._v.AsSingle(), c._v.AsSingle()).As<float, T>())
        : new(Vector256.FusedMultiplyAdd(a._v.AsDouble(), b._v.AsDouble(), c._v.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> AtLeast(Lanes256<T> x, Lanes256<T> floor) => typeof(T) == typeof(float) // VMAXPS answers its second operand to a NaN
        ? new(Avx.Max(floor._v.AsSingle(), x._v.AsSingle()).As<float, T>())
        : new(Avx.Max(floor._v.AsDouble(), x._v.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> AtMost(Lanes256<T> x, Lanes256<T> ceiling) => typeof(T) == typeof(float) // as VMAXPS
        ? new(Avx.Min(ceiling._v.AsSingle(), x._v.AsSingle()).As<float, T>())
        : new(Avx.Min(ceiling._v.AsDouble(), x._v.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> Abs(Lanes256<T> x) => new(Vector256.Abs(x._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> Round(Lanes256<T> x) => typeof(T) == typeof(float)
        ? new(Vector256.Round(x._v.AsSingle()).As<float, T>())
        : new(Vector256.Round(x._v.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> Scale(Lanes256<T> m, Lanes256<T> n)
    {
        // Adding 1.5 * 2^23 + bias leaves n + bias in the low bits; shifted into the exponent they are 2^n, or exactly 0 at the cut-off.
        if (typeof(T) == typeof(float))
        {
            var cut = Vector256.MaxNative(n._v.AsSingle(), Vector256.Create(-127f)) + Vector256.Create(12582912f + 127);
            return new((m._v.AsSingle() * (cut.AsInt32() << 23).AsSingle()).As<float, T>());
        }
        else
        {
            var cut = Vector256.MaxNative(n._v.AsDouble(), Vector256.Create(-1023.0)) + Vector256.Create(6755399441055744.0 + 1023);
            return new((m._v.AsDouble() * (cut.AsInt64() << 52).AsDouble()).As<double, T>());
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> ExponentOf(Lanes256<T> x)
    {
        // The exponent's bits below those of 2^23 (2^52) make that number larger by the exponent itself.
        if (typeof(T) == typeof(float))
        {
            var large = ((x._v.AsUInt32() >>> 23) | Vector256.Create(8388608f).AsUInt32()).AsSingle();
            return new((large - Vector256.Create(8388608f + 127)).As<float, T>());
        }
        else
        {
            var large = ((x._v.AsUInt64() >>> 52) | Vector256.Create(4503599627370496.0).AsUInt64()).AsDouble();
            return new((large - Vector256.Create(4503599627370496.0 + 1023)).As<double, T>());
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sum(Lanes256<T> v) => Vector128.Sum(v._v.GetLower() + v._v.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Max(Lanes256<T> v) => Lanes128<T>.Max(new(Vector128.MaxNative(v._v.GetLower(), v._v.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> Load16(ushort* p) => new(Avx2.ConvertToVector256Int32(Vector128.Load(p)).As<int, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> Load16Part(ushort* p, nint n, ushort pad) => new(Avx2.ConvertToVector256Int32(Part16.Load(p, n, pad)).As<int, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16(Lanes256<T> bits, ushort* p) => Narrow(bits).Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16Part(Lanes256<T> bits, ushort* p, nint n) => Part16.Store(Narrow(bits), p, n);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream16(Lanes256<T> bits, ushort* p) => Narrow(bits).StoreAlignedNonTemporal(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ushort> Narrow(Lanes256<T> bits) => Vector128.Narrow(bits._v.AsUInt32().GetLower(), bits._v.AsUInt32().GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> Load32(float* p) => new(Avx.ConvertToVector256Double(Vector128.Load(p)).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> Load32Part(float* p, nint n, float pad)
    {
        var loaded = Vector128.ConditionalSelect(FirstSingles(n), Avx.MaskLoad(p, FirstSingles(n)), Vector128.Create(pad));
        return new(Avx.ConvertToVector256Double(loaded).As<double, T>());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store32(Lanes256<T> v, float* p) => Avx.ConvertToVector128Single(v._v.AsDouble()).Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store32Part(Lanes256<T> v, float* p, nint n) =>
        Avx.MaskStore(p, FirstSingles(n), Avx.ConvertToVector128Single(v._v.AsDouble()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream32(Lanes256<T> v, float* p) => Avx.ConvertToVector128Single(v._v.AsDouble()).StoreAlignedNonTemporal(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> FirstSingles(nint n) =>
        Vector128.GreaterThan(Vector128.Create((int)n), Vector128<int>.Indices).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> Bits(uint pattern) => new(Vector256.Create(pattern).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> operator &(Lanes256<T> a, Lanes256<T> b) => new(a._v & b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> operator |(Lanes256<T> a, Lanes256<T> b) => new(a._v | b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> operator <<(Lanes256<T> bits, int count) => new((bits._v.AsUInt32() << count).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> operator >>>(Lanes256<T> bits, int count) => new((bits._v.AsUInt32() >>> count).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> AddBits(Lanes256<T> a, Lanes256<T> b) => new((a._v.AsUInt32() + b._v.AsUInt32()).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> WhereLess(Lanes256<T> a, Lanes256<T> b, Lanes256<T> then, Lanes256<T> otherwise) =>
        new(Vector256.ConditionalSelect(Vector256.LessThan(a._v, b._v), then._v, otherwise._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256<T> WhereNaN(Lanes256<T> x, Lanes256<T> then, Lanes256<T> otherwise) =>
        new(Vector256.ConditionalSelect(Vector256.Equals(x._v, x._v), otherwise._v, then._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyLess(Lanes256<T> a, Lanes256<T> b) => Vector256.LessThanAny(a._v, b._v);

    /// <summary>The mask of the first n lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<T> First(nint n) => typeof(T) == typeof(float)
        ? Vector256.GreaterThan(Vector256.Create((int)n), Vector256<int>.Indices).As<int, T>()
        : Vector256.GreaterThan(Vector256.Create((long)n), Vector256<long>.Indices).As<long, T>();
}
