using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.Interop.Library;

namespace TorchSharp;

/// <summary>Tensors over the memory of a .NET array, which stays pinned until the last tensor over it is gone.</summary>
public static partial class torch
{
    public static Tensor from_array(Array rawArray, Device device = null) => from_array(rawArray, null, device);

    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device device = null, bool requires_grad = false, string[] names = null)
    {
        var shape = new long[rawArray.Rank];
        for (var d = 0; d < shape.Length; d++) shape[d] = rawArray.GetLongLength(d);
        var own = TypeOf(rawArray.GetType().GetElementType());
        return Made(Moved(Shared(rawArray, 0, shape, own), own, dtype, device), requires_grad, names);
    }

    public static Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false)
    {
        var own = TypeOf(rawArray.GetType().GetElementType());
        var size = (long)own.ElementSize();
        var bytes = rawArray.LongLength * size - offset * size;
        if (bytes < 0) throw new ArgumentException($"The offset {offset} is beyond the end of the buffer.");
        if (count < 0) count = bytes / dtype.ElementSize();
        if (count * dtype.ElementSize() > bytes) throw new ArgumentException($"The buffer holds fewer than {count} elements of {dtype}.");
        return Made(Shared(rawArray, offset * size, new[] { count }, dtype), requires_grad);
    }

    public static Tensor as_tensor((float, float)[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(Array data, ScalarType? dtype = null, Device device = null) => from_array(data, dtype, device);

    public static Tensor as_tensor(IList<(float, float)> rawArray, ScalarType? dtype = null, Device device = null) =>
        from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(IList<Complex> rawArray, ScalarType? dtype = null, Device device = null) =>
        from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(IList<bool> rawArray, ScalarType? dtype = null, Device device = null) =>
        from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(IList<byte> rawArray, ScalarType? dtype = null, Device device = null) =>
        from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(IList<double> rawArray, ScalarType? dtype = null, Device device = null) =>
        from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(IList<float> rawArray, ScalarType? dtype = null, Device device = null) =>
        from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(IList<int> rawArray, ScalarType? dtype = null, Device device = null) =>
        from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(IList<long> rawArray, ScalarType? dtype = null, Device device = null) =>
        from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(IList<sbyte> rawArray, ScalarType? dtype = null, Device device = null) =>
        from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(IList<short> rawArray, ScalarType? dtype = null, Device device = null) =>
        from_array(rawArray.ToArray(), dtype, device);

    public static Tensor as_tensor(Complex[] rawArray, ScalarType? dtype = null, Device device = null) =>
        from_array(rawArray, dtype, device);

    public static Tensor as_tensor(bool[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(byte[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(double[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(float[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(int[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(long[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(sbyte[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(short[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);

    public static Tensor as_tensor(Tensor data, ScalarType? dtype = null, Device device = null) =>
        data.to(dtype ?? data.dtype, device ?? data.device);

    internal static ScalarType TypeOf(Type element) =>
        element == typeof(byte) ? ScalarType.Byte
        : element == typeof(sbyte) ? ScalarType.Int8
        : element == typeof(short) ? ScalarType.Int16
        : element == typeof(int) ? ScalarType.Int32
        : element == typeof(long) ? ScalarType.Int64
        : element == typeof(Half) ? ScalarType.Float16
        : element == typeof(float) ? ScalarType.Float32
        : element == typeof(double) ? ScalarType.Float64
        : element == typeof(bool) ? ScalarType.Bool
        : element == typeof((float, float)) ? ScalarType.ComplexFloat32
        : element == typeof(Complex) ? ScalarType.ComplexFloat64
        : throw new NotSupportedException($"The type {element} is not supported.");

    private static ScalarType TypeOf(Scalar value) => value.IsIntegral ? ScalarType.Int64 : default_dtype;

    private static ScalarType RangeType(params Scalar[] bounds) => bounds.All(b => b.IsIntegral) ? ScalarType.Int64 : default_dtype;

    private static ScalarType Floating(string function, ScalarType? dtype) =>
        dtype is null ? default_dtype
        : !is_integral(dtype.Value) ? dtype.Value
        : throw new ArgumentException($"torch.{function}() was passed a bad dtype: {dtype}. It must be floating point or complex.", nameof(dtype));

    private static Tensor Made(Tensor made, bool requires_grad, string[] names = null)
    {
        if (names is { Length: > 0 }) made.SetNames(names);
        return requires_grad ? made.requires_grad_(true) : made;
    }

    /// <summary>To the type and the device asked for, without a tensor left behind.</summary>
    private static Tensor Moved(Tensor made, ScalarType own, ScalarType? dtype, Device device)
    {
        var type = dtype ?? own;
        if (type == own && (device is null || device.type == DeviceType.CPU)) return made;
        using (made) return made.to(type, device ?? CPU);
    }

    private static Tensor OfScalar<T>(T scalar, ScalarType? dtype, Device device, bool requires_grad, string[] names)
        where T : unmanaged
    {
        // up to 0.104 TorchSharp leaves a temporary to the dispose scope, also where nothing is converted
        if (Interop.Strict.Enabled) OfSpan<T>([scalar], default, null, device, requires_grad, names);
        return OfSpan<T>([scalar], default, dtype, device, requires_grad, names);
    }

    private static Tensor OfArray<T>(Array array, ScalarType? dtype, Device device, bool requires_grad, string[] names)
        where T : unmanaged
    {
        var shape = new long[array.Rank];
        for (var d = 0; d < shape.Length; d++) shape[d] = array.GetLongLength(d);
        ref var first = ref Unsafe.As<byte, T>(ref MemoryMarshal.GetArrayDataReference(array));
        return OfSpan<T>(MemoryMarshal.CreateReadOnlySpan(ref first, array.Length), shape, dtype, device, requires_grad, names);
    }

    private static unsafe Tensor OfSpan<T>(
        ReadOnlySpan<T> data, ReadOnlySpan<long> shape, ScalarType? dtype, Device device, bool requires_grad, string[] names)
        where T : unmanaged
    {
        long elements = 1;
        foreach (var size in shape) elements *= size;
        if (elements > data.Length) throw new ArgumentException($"mismatched total size creating a tensor from an array: {elements} vs. {data.Length}");
        var own = TypeOf(typeof(T));
        var made = Interop.Native.Call("empty.memory_format", shape, own);
        data[..(int)elements].CopyTo(new Span<T>((void*)made.DataPointer(), (int)elements));
        return Made(Moved(made, own, dtype, device), requires_grad, names);
    }

    private static unsafe Tensor Shared(Array array, long byteOffset, long[] shape, ScalarType dtype)
    {
        var pin = GCHandle.Alloc(array, GCHandleType.Pinned);
        fixed (long* sizes = shape)
        {
            var data = pin.AddrOfPinnedObject() + (nint)byteOffset;
            var result = ts_from_blob(data, sizes, shape.Length, (int)dtype, &Unpin, GCHandle.ToIntPtr(pin));
            if (result != IntPtr.Zero) return new Tensor(result);
        }
        pin.Free();
        throw LastError();
    }

    [UnmanagedCallersOnly]
    private static void Unpin(IntPtr pin) => GCHandle.FromIntPtr(pin).Free();
}
