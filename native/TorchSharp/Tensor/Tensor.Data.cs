using System;
using System.IO;
using System.Numerics;
using TorchSharp.Interop;
using TorchSharp.Utils;
using static TorchSharp.Interop.Library;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>From tensors to memory, and back.</summary>
    public partial class Tensor
    {
        /// <summary>The tensor's own memory. It lives as long as the tensor, not as the span.</summary>
        public unsafe Span<byte> bytes
        {
            get
            {
                var size = checked(numel() * element_size());
                Readable("Bytes()");
                if (size > int.MaxValue) throw new ArgumentException("Span only supports up to int.MaxValue elements.");
                return new Span<byte>((void*)DataPointer(), (int)size);
            }
            set
            {
                Readable("SetBytes()");
                if (numel() * element_size() != value.Length) throw new ArgumentException("Mismatched data sizes in SetBytes().");
                value.CopyTo(new Span<byte>((void*)DataPointer(), value.Length));
                GC.KeepAlive(this);
            }
        }

        private void Readable(string who)
        {
            if (!is_contiguous()) throw new InvalidOperationException($"{who} called on non-contiguous tensor.");
            if (device_type != DeviceType.CPU)
                throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
        }

        internal IntPtr DataPointer()
        {
            var pointer = ts_data_ptr(Handle);
            if (pointer == IntPtr.Zero && numel() != 0) throw LastError();
            GC.KeepAlive(this);
            return pointer;
        }

        public TensorAccessor<T> data<T>()
            where T : unmanaged
        {
            ValidateType(typeof(T));
            return new TensorAccessor<T>(device_type == DeviceType.CPU ? this : cpu());
        }

        public T item<T>()
            where T : unmanaged
        {
            if (numel() != 1) throw new ArgumentException("Number of elements in the tensor must be 1");
            return data<T>()[0];
        }

        internal void ValidateType(Type type)
        {
            var wanted = dtype switch
            {
                ScalarType.Byte => typeof(byte),
                ScalarType.Int8 => typeof(sbyte),
                ScalarType.Int16 => typeof(short),
                ScalarType.Int32 => typeof(int),
                ScalarType.Int64 => typeof(long),
                ScalarType.Float16 => typeof(Half),
                ScalarType.Float32 => typeof(float),
                ScalarType.Float64 => typeof(double),
                ScalarType.ComplexFloat32 => typeof((float, float)),
                ScalarType.ComplexFloat64 => typeof(Complex),
                ScalarType.Bool => typeof(bool),
                _ => null,
            };
            if (type != wanted) throw new ArgumentException($"{type.Name} is not compatible with {dtype}");
        }

        public Scalar ToScalar() => Native.CallScalar("item", this);

        public T ReadCpuValue<T>(long i)
            where T : unmanaged => TensorAccessor<T>.ReadItemAt(this, i);

        public bool ReadCpuBool(long i) => ReadCpuValue<bool>(i);

        public byte ReadCpuByte(long i) => ReadCpuValue<byte>(i);

        public sbyte ReadCpuSByte(long i) => ReadCpuValue<sbyte>(i);

        public short ReadCpuInt16(long i) => ReadCpuValue<short>(i);

        public int ReadCpuInt32(long i) => ReadCpuValue<int>(i);

        public long ReadCpuInt64(long i) => ReadCpuValue<long>(i);

        public float ReadCpuSingle(long i) => ReadCpuValue<float>(i);

        public double ReadCpuDouble(long i) => ReadCpuValue<double>(i);

        public float ReadCpuFloat16(long i) => (float)TensorAccessor<Half>.ReadUnchecked(this, i);

        public float ReadCpuBFloat16(long i) => BitConverter.Int32BitsToSingle(TensorAccessor<ushort>.ReadUnchecked(this, i) << 16);

        public bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) =>
            Native.CallScalar("allclose", this, target, rtol, atol, equal_nan).Bits != 0;

        public unsafe void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            Readable("Bytes()");
            var source = (byte*)DataPointer();
            for (long left = numel() * element_size(), step; left > 0; left -= step, source += step)
            {
                step = Math.Min(left, 1 << 30);
                stream.Write(new ReadOnlySpan<byte>(source, (int)step));
            }
            GC.KeepAlive(this);
        }

        public unsafe void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            Readable("Bytes()");
            var target = (byte*)DataPointer();
            for (long left = numel() * element_size(), step; left > 0; left -= step, target += step)
            {
                step = Math.Min(left, 1 << 30);
                stream.ReadExactly(new Span<byte>(target, (int)step));
            }
            GC.KeepAlive(this);
        }

        public Tensor real => Native.Call("real", this);

        public Tensor imag => Native.Call("imag", this);

        public Tensor T => Native.Call("numpy_T", this);

        public Tensor H => Native.Call("matrix_H", this);

        public Tensor mT => Native.Call("mT", this);

        public Tensor mH => Native.Call("mH", this);
    }
}
