using System;
using System.Numerics;

namespace TorchSharp;

public sealed class Scalar : IDisposable
{
    internal readonly long Bits;
    internal readonly double Real;
    internal readonly double Imaginary;

    internal Scalar(long value) => (Type, Bits, Real) = (torch.ScalarType.Int64, value, value);

    internal Scalar(bool value) => (Type, Bits, Real) = (torch.ScalarType.Bool, value ? 1 : 0, value ? 1 : 0);

    internal Scalar(double value) => (Type, Real) = (torch.ScalarType.Float64, value);

    internal Scalar(double real, double imaginary) => (Type, Real, Imaginary) = (torch.ScalarType.ComplexFloat64, real, imaginary);

    public torch.ScalarType Type { get; }

    internal bool IsIntegral => Type is torch.ScalarType.Int64 or torch.ScalarType.Bool;

    public static implicit operator Scalar(byte value) => new((long)value);
    public static implicit operator Scalar(sbyte value) => new((long)value);
    public static implicit operator Scalar(short value) => new((long)value);
    public static implicit operator Scalar(int value) => new((long)value);
    public static implicit operator Scalar(long value) => new(value);
    public static implicit operator Scalar(Half value) => new((double)value);
    public static implicit operator Scalar(float value) => new((double)value);
    public static implicit operator Scalar(double value) => new(value);
    public static implicit operator Scalar(bool value) => new(value);
    public static implicit operator Scalar((float, float) value) => new(value.Item1, value.Item2);
    public static implicit operator Scalar(Complex value) => new(value.Real, value.Imaginary);

    /// <summary>Nothing native hangs on it here.</summary>
    public void Dispose() { }
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this Half value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this bool value) => value;
    public static Scalar ToScalar(this (float, float) value) => value;
    public static Scalar ToScalar(this Complex value) => value;
    public static Scalar ToBFloat16Scalar(this float value) => value;

    public static bool ToBoolean(this Scalar value) => value.IsIntegral ? value.Bits != 0 : value.Real != 0;
    public static byte ToByte(this Scalar value) => (byte)Integer(value);
    public static sbyte ToSByte(this Scalar value) => (sbyte)Integer(value);
    public static short ToInt16(this Scalar value) => (short)Integer(value);
    public static int ToInt32(this Scalar value) => (int)Integer(value);
    public static long ToInt64(this Scalar value) => Integer(value);
    public static Half ToHalf(this Scalar value) => (Half)value.Real;
    public static float ToSingle(this Scalar value) => (float)value.Real;
    public static double ToDouble(this Scalar value) => value.Real;
    public static (float, float) ToComplexFloat32(this Scalar value) => ((float)value.Real, (float)value.Imaginary);
    public static Complex ToComplexFloat64(this Scalar value) => new(value.Real, value.Imaginary);

    private static long Integer(Scalar value) => value.IsIntegral ? value.Bits : (long)value.Real;
}
