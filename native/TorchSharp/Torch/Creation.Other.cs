using TorchSharp.Interop;
using static TorchSharp.Interop.Native;

namespace TorchSharp;

/// <summary>Sequences, and tensors like another one.</summary>
public static partial class torch
{
    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        Made(Call("arange.start_step", start, stop, step, dtype ?? RangeType(start, stop, step), Arg.None, device), requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        Made(Call("arange.start_step", start, stop, 1, dtype ?? RangeType(start, stop), Arg.None, device), requires_grad);

    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        Made(Call("arange.start_step", 0, stop, 1, dtype ?? RangeType(stop), Arg.None, device), requires_grad);

    public static Tensor complex(Tensor real, Tensor imag) => Call("complex", real, imag);

    public static Tensor empty_strided(
        long[] size, long[] strides, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty_strided", size, strides, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor eye(
        long rows, long columns = -1, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("eye.m", rows, columns == -1 ? rows : columns, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        Made(Call("linspace", start, end, steps, dtype ?? default_dtype, Arg.None, device), requires_grad);

    public static Tensor logspace(
        double start, double end, long steps, double @base = 10, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        Made(Call("logspace", start, end, steps, @base, dtype ?? default_dtype, Arg.None, device), requires_grad);

    public static Tensor polar(Tensor abs, Tensor angle) => Call("polar", abs, angle);

    public static Tensor tril_indices(long row, long col, long offset = 0, ScalarType dtype = ScalarType.Int64, Device device = null) =>
        Call("tril_indices", row, col, offset, dtype, Arg.None, device);

    public static Tensor triu_indices(long row, long col, long offset = 0, ScalarType dtype = ScalarType.Int64, Device device = null) =>
        Call("triu_indices", row, col, offset, dtype, Arg.None, device);

    public static Tensor empty_like(
        Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty_like", input, dtype, Arg.None, device), requires_grad, names);

    public static Tensor full_like(
        Tensor input, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("full_like", input, value, dtype, Arg.None, device), requires_grad, names);

    public static Tensor ones_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("ones_like", input, dtype, Arg.None, device), requires_grad, names);

    public static Tensor rand_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        Made(Call("rand_like", input, dtype, Arg.None, device), requires_grad, null);

    public static Tensor randint_like(
        Tensor input, long low, long high, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        Made(Call("randint_like.low_dtype", input, low, high, dtype, Arg.None, device), requires_grad, null);

    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        Made(Call("randn_like", input, dtype, Arg.None, device), requires_grad, null);

    public static Tensor zeros_like(
        Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("zeros_like", input, dtype, Arg.None, device), requires_grad, names);
}
