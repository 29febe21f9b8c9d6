using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Numerics;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>Element access by type, and TorchSharp's file format: type, rank and sizes as LEB128 numbers, then the bytes.</summary>
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

    public static void Save(this Tensor tensor, BinaryWriter writer)
    {
        Write(writer, (long)tensor.dtype);
        var shape = tensor.shape;
        Write(writer, shape.Length);
        foreach (var size in shape) Write(writer, size);
        writer.Flush();
        tensor.WriteBytesToStream(writer.BaseStream);
    }

    public static void Save(this Tensor tensor, Stream stream)
    {
        using var writer = new BinaryWriter(stream);
        tensor.Save(writer);
        stream.Flush();
    }

    public static void Save(this Tensor tensor, string location) => tensor.Save(File.Create(location));

    public static void Load(this Tensor tensor, BinaryReader reader, bool skip = false)
    {
        if ((ScalarType)Read(reader) != tensor.dtype)
            throw new ArgumentException("Mismatched tensor data types while loading. Make sure that the model you are loading into is exactly the same as the origin.");
        Fill(tensor, ReadShape(reader), reader, skip);
    }

    public static Tensor Load(BinaryReader reader, bool skip = false)
    {
        Tensor tensor = null;
        Load(ref tensor, reader, skip);
        return tensor;
    }

    public static void Load(ref Tensor tensor, BinaryReader reader, bool skip = false)
    {
        var type = (ScalarType)Read(reader);
        var shape = ReadShape(reader);
        tensor ??= skip ? zeros(shape, dtype: type) : empty(shape, dtype: type);
        Fill(tensor, shape, reader, skip);
    }

    private static void Fill(Tensor tensor, long[] shape, BinaryReader reader, bool skip)
    {
        if (skip)
        {
            reader.BaseStream.Seek(tensor.numel() * tensor.element_size(), SeekOrigin.Current);
            return;
        }
        if (!shape.SequenceEqual(tensor.shape))
            throw new ArgumentException("Mismatched tensor shape while loading. Make sure that the model you are loading into is exactly the same as the origin.");
        tensor.ReadBytesFromStream(reader.BaseStream);
    }

    private static long[] ReadShape(BinaryReader reader)
    {
        var shape = new long[Read(reader)];
        for (var d = 0; d < shape.Length; d++) shape[d] = Read(reader);
        return shape;
    }

    private static void Write(BinaryWriter writer, long number) => writer.Write7BitEncodedInt64(number);

    private static long Read(BinaryReader reader) => reader.Read7BitEncodedInt64();
}
