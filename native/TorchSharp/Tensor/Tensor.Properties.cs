using System;
using TorchSharp.Interop;
using static TorchSharp.Interop.Library;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public ScalarType dtype => Alive((ScalarType)ts_dtype(Handle));

        public long ndim => Alive(ts_ndim(Handle));

        public long Dimensions => ndim;

        public long dim() => ndim;

        public long numel() => Alive(ts_numel(Handle));

        public long NumberOfElements => numel();

        public long element_size() => Alive(ts_element_size(Handle));

        public long ElementSize => element_size();

        public long storage_offset() => Alive(ts_storage_offset(Handle));

        public bool is_contiguous() => Alive(ts_is_contiguous(Handle)) != 0;

        public bool is_leaf => Alive(ts_is_leaf(Handle)) != 0;

        public bool is_sparse => Alive(ts_is_sparse(Handle)) != 0;

        public DeviceType device_type => (DeviceType)Alive(ts_device_type(Handle));

        public int device_index => Alive(ts_device_index(Handle));

        public Device device => device_type is var type && type == DeviceType.CPU ? new Device(DeviceType.CPU) : new Device(type, device_index);

        public bool is_cpu() => device_type == DeviceType.CPU;

        public bool is_cuda => device_type == DeviceType.CUDA;

        public bool is_meta => device_type == DeviceType.META;

        public bool is_integral() => torch.is_integral(dtype);

        public bool is_floating_point() => torch.is_floating_point(dtype);

        public bool is_complex() => torch.is_complex(dtype);

        public bool is_quantized() => torch.is_quantized(dtype);

        public bool is_conj() => Native.CallScalar("is_conj", this).Bits != 0;

        public bool is_neg() => Native.CallScalar("is_neg", this).Bits != 0;

        public bool is_pinned() => Native.CallScalar("is_pinned", this).Bits != 0;

        public bool is_nonzero()
        {
            if (numel() != 1) throw new InvalidOperationException("is_nonzero() called on non-singleton tensor");
            return Native.CallScalar("is_nonzero", this).Bits != 0;
        }

        public long size(int dim) => InRange(ts_size(Handle, dim), dim);

        public long stride(int dim) => InRange(ts_stride(Handle, dim), dim);

        public unsafe long[] size()
        {
            var sizes = new long[ndim];
            fixed (long* p = sizes) ts_sizes(Handle, p);
            GC.KeepAlive(this);
            return sizes;
        }

        public unsafe long[] stride()
        {
            var strides = new long[ndim];
            fixed (long* p = strides) ts_strides(Handle, p);
            GC.KeepAlive(this);
            return strides;
        }

        public long[] shape => size();

        private long InRange(long value, long dim)
        {
            // The query itself cannot throw, so libtorch says here what is wrong with the dimension.
            if (value == long.MinValue) Check(ts_check_dim(Handle, dim));
            GC.KeepAlive(this);
            return value;
        }

        /// <summary>Keeps the finalizer away until the query has been answered.</summary>
        private T Alive<T>(T answer)
        {
            GC.KeepAlive(this);
            return answer;
        }
    }
}
