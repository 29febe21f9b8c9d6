using System;
using System.Collections;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace TorchSharp.Utils;

/// <summary>Elements of a CPU tensor, by linear or by full index, whatever its strides.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T>
    where T : unmanaged
{
    private readonly long[] shape;
    private readonly long[] strides;
    private torch.Tensor tensor;
    private T* data;

    internal TensorAccessor(torch.Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU)
            throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
        this.tensor = tensor;
        shape = tensor.shape;
        strides = tensor.stride();
        data = (T*)tensor.DataPointer();
    }

    public long Count => tensor is null ? 0 : tensor.numel();

    public bool IsReadOnly => false;

    public T this[params long[] indices]
    {
        get => *At(indices);
        set => *At(indices) = value;
    }

    public T[] ToArray()
    {
        var result = new T[Count];
        CopyTo(result);
        return result;
    }

    public Array ToNDArray()
    {
        if (shape.Length == 0) return ToArray();
        var result = Array.CreateInstance(typeof(T), shape);
        var target = MemoryMarshal.CreateSpan(ref System.Runtime.CompilerServices.Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(result)), checked((int)Count));
        CopyTo(target);
        return result;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = Count;
        for (var i = tensorIndex; i < count && arrayIndex < array.Length; i++) array[arrayIndex++] = data[Offset(i)];
        GC.KeepAlive(tensor);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = Count;
        for (var i = tensorIndex; i < count && arrayIndex < array.Length; i++) data[Offset(i)] = array[arrayIndex++];
        GC.KeepAlive(tensor);
    }

    internal static T ReadItemAt(torch.Tensor tensor, long index)
    {
        tensor.ValidateType(typeof(T));
        return ReadUnchecked(tensor, index);
    }

    internal static T ReadUnchecked(torch.Tensor tensor, long index)
    {
        if (tensor.numel() <= index) throw new IndexOutOfRangeException("The index is greater than the number of elements in the tensor");
        using var accessor = new TensorAccessor<T>(tensor);
        return accessor.data[accessor.Offset(index)];
    }

    public IEnumerator<T> GetEnumerator()
    {
        var count = Count;
        for (long i = 0; i < count; i++) yield return Read(i);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        data = null;
        tensor = null;
    }

    public static bool operator ==(TensorAccessor<T> left, TensorAccessor<T> right) => ReferenceEquals(left, right) || (left is not null && left.Equals(right));

    public static bool operator !=(TensorAccessor<T> left, TensorAccessor<T> right) => !(left == right);

    public override bool Equals(object obj)
    {
        if (obj is not TensorAccessor<T> other || other.Count != Count) return false;
        for (long i = 0; i < Count; i++)
        {
            if (!Read(i).Equals(other.Read(i))) return false;
        }
        return true;
    }

    public override int GetHashCode() => HashCode.Combine(Count, typeof(T));

    private T Read(long linear) => data[Offset(linear)];

    private T* At(long[] indices)
    {
        if (indices.Length == 1)
        {
            if (indices[0] >= Count) throw new IndexOutOfRangeException();
            return data + Offset(indices[0]);
        }
        if (indices.Length != shape.Length) throw new ArgumentException("The number of indices does not match the tensor.", nameof(indices));
        long offset = 0;
        for (var d = 0; d < indices.Length; d++)
        {
            if (indices[d] < 0 || indices[d] >= shape[d]) throw new IndexOutOfRangeException();
            offset += indices[d] * strides[d];
        }
        return data + offset;
    }

    private long Offset(long linear)
    {
        long offset = 0;
        for (var d = shape.Length - 1; d >= 0 && linear > 0; d--)
        {
            offset += linear % shape[d] * strides[d];
            linear /= shape[d];
        }
        return offset;
    }
}
