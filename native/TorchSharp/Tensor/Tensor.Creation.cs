using System;
using TorchSharp.Interop;
using static TorchSharp.Interop.Native;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Tensors like this one.</summary>
    public partial class Tensor
    {
        public Tensor empty_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("empty_like", this, dtype, Arg.None, device));

        public Tensor full_like(Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("full_like", this, value, dtype, Arg.None, device));

        public Tensor new_empty(ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_empty", this, size, dtype, Arg.None, device));

        public Tensor new_empty(
            long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_empty", this, new[] { dim0, dim1, dim2, dim3 }, dtype, Arg.None, device));

        public Tensor new_empty(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_empty", this, new[] { dim0, dim1, dim2 }, dtype, Arg.None, device));

        public Tensor new_empty(long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_empty", this, new[] { rows, columns }, dtype, Arg.None, device));

        public Tensor new_empty(long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_empty", this, new[] { size }, dtype, Arg.None, device));

        public Tensor new_empty(long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_empty", this, size, dtype, Arg.None, device));

        public Tensor new_full(ReadOnlySpan<long> size, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_full", this, size, value, dtype, Arg.None, device));

        public Tensor new_full(
            long dim0, long dim1, long dim2, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_full", this, new[] { dim0, dim1, dim2 }, value, dtype, Arg.None, device));

        public Tensor new_full(
            long dim0, long dim1, long dim2, long dim3, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_full", this, new[] { dim0, dim1, dim2, dim3 }, value, dtype, Arg.None, device));

        public Tensor new_full(long rows, long columns, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_full", this, new[] { rows, columns }, value, dtype, Arg.None, device));

        public Tensor new_full(long size, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_full", this, new[] { size }, value, dtype, Arg.None, device));

        public Tensor new_full(long[] size, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_full", this, size, value, dtype, Arg.None, device));

        public Tensor new_ones(
            long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_ones", this, new[] { dim0, dim1, dim2, dim3 }, dtype, Arg.None, device));

        public Tensor new_ones(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_ones", this, new[] { dim0, dim1, dim2 }, dtype, Arg.None, device));

        public Tensor new_ones(long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_ones", this, new[] { rows, columns }, dtype, Arg.None, device));

        public Tensor new_ones(long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_ones", this, new[] { size }, dtype, Arg.None, device));

        public Tensor new_zeros(ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_zeros", this, size, dtype, Arg.None, device));

        public Tensor new_zeros(
            long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_zeros", this, new[] { dim0, dim1, dim2, dim3 }, dtype, Arg.None, device));

        public Tensor new_zeros(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_zeros", this, new[] { dim0, dim1, dim2 }, dtype, Arg.None, device));

        public Tensor new_zeros(long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_zeros", this, new[] { rows, columns }, dtype, Arg.None, device));

        public Tensor new_zeros(long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_zeros", this, new[] { size }, dtype, Arg.None, device));

        public Tensor new_zeros(long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("new_zeros", this, size, dtype, Arg.None, device));

        public Tensor ones_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("ones_like", this, dtype, Arg.None, device));

        public Tensor rand_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("rand_like", this, dtype, Arg.None, device));

        public Tensor randint_like(long low, long high, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("randint_like.low_dtype", this, low, high, dtype, Arg.None, device));

        public Tensor randn_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("randn_like", this, dtype, Arg.None, device));

        public Tensor zeros_like(ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
            With(requires_grad, Call("zeros_like", this, dtype, Arg.None, device));
    }
}
