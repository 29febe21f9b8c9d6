using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TorchSharpSoftmax.Kernels;

/// <summary>512 bits: AVX-512, whose own scaling and masks replace the bit tricks of the narrower widths.</summary>
internal readonly unsafe struct Lanes512<T>(Vector512<T> v) : ILanes<Lanes512<T>, T> where T : unmanaged
{
    private readonly Vector512<T> _v = v;

    public static int Count
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector512<T>.Count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Broadcast(T value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Load(T* p) => new(Vector512.Load(p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> LoadPart(T* p, nint n, T pad) => typeof(T) == typeof(float)
        ? new(Avx512F.MaskLoad((float*)p, First32(n).AsSingle(), Vector512.Create(pad).AsSingle()).As<float, T>())
        : new(Avx512F.MaskLoad((double*)p, First64(n).AsDouble(), Vector512.Create(pad).AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Lanes512<T> v, T* p) => v._v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart(Lanes512<T> v, T* p, nint n)
    {
        if (typeof(T) == typeof(float)) Avx512F.MaskStore((float*)p, First32(n).AsSingle(), v._v.AsSingle());
        else Avx512F.MaskStore((double*)p, First64(n).AsDouble(), v._v.AsDouble());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream(Lanes512<T> v, T* p) => v._v.StoreAlignedNonTemporal(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator +(Lanes512<T> a, Lanes512<T> b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator -(Lanes512<T> a, Lanes512<T> b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator *(Lanes512<T> a, Lanes512<T> b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator /(Lanes512<T> a, Lanes512<T> b) => new(a._v / b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Fma(Lanes512<T> a, Lanes512<T> b, Lanes512<T> c) => typeof(T) == typeof(float)
        ? new(Vector512.FusedMultiplyAdd(a._v.AsSingle(), b._v.AsSingle(), c._v.AsSingle()).As<float, T>())
        : new(Vector512.FusedMultiplyAdd(a._v.AsDouble(), b._v.AsDouble(), c._v.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> AtLeast(Lanes512<T> x, Lanes512<T> floor) => typeof(T) == typeof(float) // VMAXPS answers its second operand to a NaN
        ? new(Avx512F.Max(floor._v.AsSingle(), x._v.AsSingle()).As<float, T>())
        : new(Avx512F.Max(floor._v.AsDouble(), x._v.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> AtMost(Lanes512<T> x, Lanes512<T> ceiling) => typeof(T) == typeof(float) // as VMAXPS
        ? new(Avx512F.Min(ceiling._v.AsSingle(), x._v.AsSingle()).As<float, T>())
        : new(Avx512F.Min(ceiling._v.AsDouble(), x._v.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Abs(Lanes512<T> x) => new(Vector512.Abs(x._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Round(Lanes512<T> x) => typeof(T) == typeof(float)
        ? new(Avx512F.RoundScale(x._v.AsSingle(), 0).As<float, T>())
        : new(Avx512F.RoundScale(x._v.AsDouble(), 0).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Scale(Lanes512<T> m, Lanes512<T> n) => typeof(T) == typeof(float)
        ? new(Avx512F.Scale(m._v.AsSingle(), n._v.AsSingle()).As<float, T>())
        : new(Avx512F.Scale(m._v.AsDouble(), n._v.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> ExponentOf(Lanes512<T> x) => typeof(T) == typeof(float)
        ? new(Avx512F.GetExponent(x._v.AsSingle()).As<float, T>())
        : new(Avx512F.GetExponent(x._v.AsDouble()).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sum(Lanes512<T> v) => Vector256.Sum(v._v.GetLower() + v._v.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Max(Lanes512<T> v) => Lanes256<T>.Max(new(Vector256.MaxNative(v._v.GetLower(), v._v.GetUpper())));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Load16(ushort* p) => new(Avx512F.ConvertToVector512UInt32(Vector256.Load(p)).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Load16Part(ushort* p, nint n, ushort pad) =>
        new(Avx512F.ConvertToVector512UInt32(Avx512BW.VL.MaskLoad(p, First16(n), Vector256.Create(pad))).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16(Lanes512<T> bits, ushort* p) => Avx512F.ConvertToVector256UInt16(bits._v.AsUInt32()).Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16Part(Lanes512<T> bits, ushort* p, nint n) =>
        Avx512BW.VL.MaskStore(p, First16(n), Avx512F.ConvertToVector256UInt16(bits._v.AsUInt32()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream16(Lanes512<T> bits, ushort* p) => Avx512F.ConvertToVector256UInt16(bits._v.AsUInt32()).StoreAlignedNonTemporal(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Load32(float* p) => new(Avx512F.ConvertToVector512Double(Vector256.Load(p)).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Load32Part(float* p, nint n, float pad) =>
        new(Avx512F.ConvertToVector512Double(Avx512F.VL.MaskLoad(p, FirstSingles(n), Vector256.Create(pad))).As<double, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store32(Lanes512<T> v, float* p) => Avx512F.ConvertToVector256Single(v._v.AsDouble()).Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store32Part(Lanes512<T> v, float* p, nint n) =>
        Avx512F.VL.MaskStore(p, FirstSingles(n), Avx512F.ConvertToVector256Single(v._v.AsDouble()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream32(Lanes512<T> v, float* p) => Avx512F.ConvertToVector256Single(v._v.AsDouble()).StoreAlignedNonTemporal(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> Bits(uint pattern) => new(Vector512.Create(pattern).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator &(Lanes512<T> a, Lanes512<T> b) => new(a._v & b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator |(Lanes512<T> a, Lanes512<T> b) => new(a._v | b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator <<(Lanes512<T> bits, int count) => new((bits._v.AsUInt32() << count).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> operator >>>(Lanes512<T> bits, int count) => new((bits._v.AsUInt32() >>> count).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> AddBits(Lanes512<T> a, Lanes512<T> b) => new((a._v.AsUInt32() + b._v.AsUInt32()).As<uint, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> WhereLess(Lanes512<T> a, Lanes512<T> b, Lanes512<T> then, Lanes512<T> otherwise) =>
        new(Vector512.ConditionalSelect(Vector512.LessThan(a._v, b._v), then._v, otherwise._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512<T> WhereNaN(Lanes512<T> x, Lanes512<T> then, Lanes512<T> otherwise) =>
        new(Vector512.ConditionalSelect(Vector512.Equals(x._v, x._v), otherwise._v, then._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AnyLess(Lanes512<T> a, Lanes512<T> b) => Vector512.LessThanAny(a._v, b._v);

    // Masks of the first n lanes.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> First32(nint n) => Vector512.GreaterThan(Vector512.Create((int)n), Vector512<int>.Indices);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<long> First64(nint n) => Vector512.GreaterThan(Vector512.Create((long)n), Vector512<long>.Indices);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> First16(nint n) =>
        Vector256.GreaterThan(Vector256.Create((short)n), Vector256<short>.Indices).AsUInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> FirstSingles(nint n) =>
        Vector256.GreaterThan(Vector256.Create((int)n), Vector256<int>.Indices).AsSingle();
}
