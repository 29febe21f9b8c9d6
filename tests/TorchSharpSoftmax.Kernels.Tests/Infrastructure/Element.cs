using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>What the tests must know of a stored element type: its format, the format its arithmetic has, and values in and out.</summary>
public interface IElement<S>
    where S : unmanaged
{
    internal static abstract FloatFormat Stored { get; }

    internal static abstract FloatFormat Arithmetic { get; }

    internal static abstract double ToDouble(S x);

    /// <summary>The nearest element, ties to even.</summary>
    internal static abstract S FromDouble(double x);
}

public readonly struct FloatElement : IElement<float>
{
    static FloatFormat IElement<float>.Stored => FloatFormat.Float;

    static FloatFormat IElement<float>.Arithmetic => FloatFormat.Float;

    static double IElement<float>.ToDouble(float x) => x;

    static float IElement<float>.FromDouble(double x) => (float)x;
}

public readonly struct DoubleElement : IElement<double>
{
    static FloatFormat IElement<double>.Stored => FloatFormat.Double;

    static FloatFormat IElement<double>.Arithmetic => FloatFormat.Double;

    static double IElement<double>.ToDouble(double x) => x;

    static double IElement<double>.FromDouble(double x) => x;
}

public readonly struct BFloat16Element : IElement<BFloat16>
{
    static FloatFormat IElement<BFloat16>.Stored => FloatFormat.BFloat16;

    static FloatFormat IElement<BFloat16>.Arithmetic => FloatFormat.Float;

    static double IElement<BFloat16>.ToDouble(BFloat16 x) => BitConverter.UInt32BitsToSingle((uint)Unsafe.BitCast<BFloat16, ushort>(x) << 16);

    static BFloat16 IElement<BFloat16>.FromDouble(double x) =>
        Unsafe.BitCast<ushort, BFloat16>((ushort)(BitConverter.SingleToUInt32Bits((float)FloatFormat.BFloat16.Round(x)) >> 16));
}

public readonly struct HalfElement : IElement<Half>
{
    static FloatFormat IElement<Half>.Stored => FloatFormat.Half;

    static FloatFormat IElement<Half>.Arithmetic => FloatFormat.Float;

    static double IElement<Half>.ToDouble(Half x) => (double)x;

    static Half IElement<Half>.FromDouble(double x) => (Half)FloatFormat.Half.Round(x);
}

/// <summary>Whole rows of elements to doubles and back.</summary>
internal static class Elements
{
    internal static S[] From<S, E>(ReadOnlySpan<double> x)
        where S : unmanaged
        where E : IElement<S>
    {
        var y = new S[x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = E.FromDouble(x[i]);
        }

        return y;
    }

    internal static double[] ToDoubles<S, E>(ReadOnlySpan<S> x)
        where S : unmanaged
        where E : IElement<S>
    {
        var y = new double[x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = E.ToDouble(x[i]);
        }

        return y;
    }
}
