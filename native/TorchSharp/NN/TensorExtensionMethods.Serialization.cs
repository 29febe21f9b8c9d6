using System;
using System.IO;
using System.Linq;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>Tensors in a stream: dtype, rank and sizes as integers of seven bits a byte, then the raw elements in row-major order.</summary>
public static partial class TensorExtensionMethods
{
    public static Modules.Parameter AsParameter(this Tensor tensor) => new(tensor);

    public static void Save(this Tensor tensor, BinaryWriter writer)
    {
        using Tensor onCpu = tensor.device_type == DeviceType.CPU ? null : tensor.cpu();
        Tensor source = onCpu ?? tensor;
        long[] shape = source.shape;
        writer.Write7BitEncodedInt64((long)source.dtype);
        writer.Write7BitEncodedInt64(shape.Length);
        foreach (long size in shape)
        {
            writer.Write7BitEncodedInt64(size);
        }

        writer.Flush();
        source.WriteBytesToStream(writer.BaseStream);
    }

    /// <summary>Saves to a stream, and closes it, as TorchSharp does.</summary>
    public static void Save(this Tensor tensor, Stream stream)
    {
        using BinaryWriter writer = new(stream);
        tensor.Save(writer);
    }

    public static void Save(this Tensor tensor, string location)
    {
        using FileStream stream = File.Create(location);
        tensor.Save(stream);
    }

    public static void Load(this Tensor tensor, BinaryReader reader, bool skip = false)
    {
        (ScalarType type, long[] shape) = ReadHeader(reader);
        if (type != tensor.dtype)
        {
            throw new ArgumentException($"The tensor is {tensor.dtype}; the stream holds {type}. The target must be what was saved.", nameof(tensor));
        }

        ReadInto(tensor, reader, shape, type, skip);
    }

    public static Tensor Load(BinaryReader reader, bool skip = false)
    {
        Tensor tensor = null;
        Load(ref tensor, reader, skip);
        return tensor;
    }

    public static void Load(ref Tensor tensor, BinaryReader reader, bool skip = false)
    {
        (ScalarType type, long[] shape) = ReadHeader(reader);
        tensor ??= skip ? zeros(shape, dtype: type) : empty(shape, dtype: type);
        ReadInto(tensor, reader, shape, type, skip);
    }

    private static (ScalarType Type, long[] Shape) ReadHeader(BinaryReader reader)
    {
        ScalarType type = (ScalarType)reader.Read7BitEncodedInt64();
        long[] shape = new long[reader.Read7BitEncodedInt64()];
        for (int i = 0; i < shape.Length; i++)
        {
            shape[i] = reader.Read7BitEncodedInt64();
        }

        return (type, shape);
    }

    private static void ReadInto(Tensor tensor, BinaryReader reader, long[] shape, ScalarType type, bool skip)
    {
        if (skip)
        {
            reader.BaseStream.Seek(TotalSize(shape) * ElementSize(type), SeekOrigin.Current);
            return;
        }

        if (!shape.SequenceEqual(tensor.shape))
        {
            throw new ArgumentException(
                $"The tensor is [{string.Join(", ", tensor.shape)}]; the stream holds [{string.Join(", ", shape)}]. The target must be what was saved.",
                nameof(tensor));
        }

        using IDisposable noGrad = no_grad();
        if (tensor.device_type == DeviceType.CPU)
        {
            tensor.ReadBytesFromStream(reader.BaseStream);
            return;
        }

        using Tensor onCpu = empty(shape, dtype: type);
        onCpu.ReadBytesFromStream(reader.BaseStream);
        tensor.copy_(onCpu);
    }
}
