using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>Sizes, and the one element of a tensor as a number.</summary>
public static partial class TensorExtensionMethods
{
    public static int ElementSize(this ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool or ScalarType.QInt8 or ScalarType.QUInt8 => 1,
        ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Int32 or ScalarType.Float32 or ScalarType.QInt32 => 4,
        ScalarType.Int64 or ScalarType.Float64 or ScalarType.ComplexFloat32 => 8,
        ScalarType.ComplexFloat64 => 16,
        _ => throw new NotSupportedException($"No element size is known for {type}."),
    };

    public static long TotalSize(this IEnumerable<long> shape) => shape.Aggregate(1L, (total, size) => total * size);

    public static ReadOnlySpan<int> IntShape(this Tensor tensor) => Array.ConvertAll(tensor.shape, size => (int)size);

    public static bool ToBoolean(this Tensor value) => Single(value).ToBoolean();

    public static byte ToByte(this Tensor value) => Single(value).ToByte();

    public static sbyte ToSByte(this Tensor value) => Single(value).ToSByte();

    public static short ToInt16(this Tensor value) => Single(value).ToInt16();

    public static int ToInt32(this Tensor value) => Single(value).ToInt32();

    public static long ToInt64(this Tensor value) => Single(value).ToInt64();

    public static Half ToHalf(this Tensor value) => Single(value).ToHalf();

    public static float ToSingle(this Tensor value) => Single(value).ToSingle();

    public static double ToDouble(this Tensor value) => Single(value).ToDouble();

    public static (float, float) ToComplexFloat32(this Tensor value) => Single(value).ToComplexFloat32();

    public static Complex ToComplexFloat64(this Tensor value) => Single(value).ToComplexFloat64();

    private static Scalar Single(Tensor value)
    {
        if (value.numel() != 1) throw new ArgumentException("Number of elements in the tensor must be 1");
        return value.ToScalar();
    }
}
