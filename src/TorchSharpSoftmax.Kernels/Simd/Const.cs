using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Literals of the computing type that the JIT folds to constants; <c>T.CreateTruncating</c> would not be.</summary>
internal static class Const
{
    /// <summary>Powers of two that every computing type has, to keep sums in range and small numbers from rounding early.</summary>
    internal const double TwoTo64 = (double)(1UL << 32) * (1UL << 32), TwoToMinus64 = 1 / TwoTo64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Of<T>(double value) where T : unmanaged =>
        typeof(T) == typeof(float) ? Unsafe.BitCast<float, T>((float)value) : Unsafe.BitCast<double, T>(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Of<T>(float single, double twice) where T : unmanaged =>
        typeof(T) == typeof(float) ? Unsafe.BitCast<float, T>(single) : Unsafe.BitCast<double, T>(twice);

    /// <summary>A whole number that the type holds exactly: one instruction, where a cast also looks after what no long can hold.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static nint ToWhole<T>(T value) where T : unmanaged =>
        typeof(T) == typeof(float) ? float.ConvertToIntegerNative<int>(Unsafe.BitCast<T, float>(value)) : (nint)double.ConvertToIntegerNative<long>(Unsafe.BitCast<T, double>(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static double ToDouble<T>(T value) where T : unmanaged =>
        typeof(T) == typeof(float) ? Unsafe.BitCast<T, float>(value) : Unsafe.BitCast<T, double>(value);
}
