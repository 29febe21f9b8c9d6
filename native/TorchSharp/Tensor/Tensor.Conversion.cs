using System;
using static TorchSharp.Interop.Library;
using static TorchSharp.Interop.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Copies, types and devices.</summary>
    public partial class Tensor
    {
        /// <summary>The same tensor under a handle of its own.</summary>
        public Tensor alias() => new(Check(ts_alias_handle(Handle)));

        public Tensor bfloat16() => to_type(ScalarType.BFloat16);
        public Tensor @bool() => to_type(ScalarType.Bool);
        public Tensor @byte() => to_type(ScalarType.Byte);
        public Tensor cdouble() => to_type(ScalarType.ComplexFloat64);
        public Tensor cfloat() => to_type(ScalarType.ComplexFloat32);
        public Tensor @char() => to_type(ScalarType.Int8);
        public Tensor clone() => Call("clone", this);
        public Tensor contiguous() => Call("contiguous", this);
        public Tensor copy_(Tensor source, bool nonBlocking = false) => InPlace("copy_", this, source, nonBlocking);
        public Tensor cpu() => to(DeviceType.CPU);
        public Tensor @double() => to_type(ScalarType.Float64);
        public Tensor fill_(Scalar value) => InPlace("fill_.Scalar", this, value);
        public Tensor @float() => to_type(ScalarType.Float32);
        public Tensor half() => to_type(ScalarType.Float16);
        public Tensor @int() => to_type(ScalarType.Int32);
        public Tensor @long() => to_type(ScalarType.Int64);
        public Tensor pin_memory() => Call("pin_memory", this);
        public Tensor set_(Tensor source) => InPlace("set_.source_Tensor", this, source);
        public Tensor @short() => to_type(ScalarType.Int16);

        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Moved(Call("to.device", this, new Device(deviceType, deviceIndex), dtype, non_blocking, copy), disposeAfter);

        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(device), copy, disposeAfter, non_blocking);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(device.type, device.index, copy, disposeAfter, non_blocking);

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to_type(type, copy, disposeAfter, non_blocking);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Moved(Call("to.device", this, device, type, non_blocking, copy), disposeAfter);

        public Tensor to(Tensor other, bool non_blocking = false) => Call("to.other", this, other, non_blocking);
        public Tensor to_dense() => Call("to_dense", this);
        public Tensor to_sparse() => Call("to_sparse", this);
        public Tensor to_sparse(int sparse_dim) => Call("to_sparse.sparse_dim", this, sparse_dim);

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Moved(Call("to.dtype", this, type, non_blocking, copy), disposeAfter);

        public Tensor type(Func<Tensor, Tensor> typeFunc) => typeFunc(this);
        public Tensor type(ScalarType dtype) => to_type(dtype);
        public Tensor type_as(Tensor tensor) => Call("type_as", this, tensor);
        public Tensor zero_() => Call("zero_", this);
    }
}
