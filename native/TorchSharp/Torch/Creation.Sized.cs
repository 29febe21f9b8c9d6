using System;
using TorchSharp.Interop;
using static TorchSharp.Interop.Native;

namespace TorchSharp;

/// <summary>Tensors of a given size and content.</summary>
public static partial class torch
{
    public static Tensor empty(
        ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty.memory_format", size, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor empty(
        int dim0, int dim1, int dim2, int dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty.memory_format", new long[] { dim0, dim1, dim2, dim3 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor empty(
        int dim0, int dim1, int dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty.memory_format", new long[] { dim0, dim1, dim2 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor empty(
        int rows, int columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty.memory_format", new long[] { rows, columns }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor empty(int size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty.memory_format", new long[] { size }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor empty(
        long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty.memory_format", new long[] { dim0, dim1, dim2, dim3 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor empty(
        long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty.memory_format", new long[] { dim0, dim1, dim2 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor empty(
        long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty.memory_format", new long[] { rows, columns }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor empty(long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty.memory_format", new long[] { size }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor empty(long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("empty.memory_format", size, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor full(
        ReadOnlySpan<long> size, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("full", size, value, dtype ?? TypeOf(value), Arg.None, device), requires_grad, names);

    public static Tensor full(
        int dim0, int dim1, int dim2, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("full", new long[] { dim0, dim1, dim2 }, value, dtype ?? TypeOf(value), Arg.None, device), requires_grad, names);

    public static Tensor full(
        int dim0, int dim1, int dim2, int dim3, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("full", new long[] { dim0, dim1, dim2, dim3 }, value, dtype ?? TypeOf(value), Arg.None, device), requires_grad, names);

    public static Tensor full(
        int rows, int columns, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("full", new long[] { rows, columns }, value, dtype ?? TypeOf(value), Arg.None, device), requires_grad, names);

    public static Tensor full(
        int size, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("full", new long[] { size }, value, dtype ?? TypeOf(value), Arg.None, device), requires_grad, names);

    public static Tensor full(
        long dim0, long dim1, long dim2, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("full", new long[] { dim0, dim1, dim2 }, value, dtype ?? TypeOf(value), Arg.None, device), requires_grad, names);

    public static Tensor full(
        long dim0, long dim1, long dim2, long dim3, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("full", new long[] { dim0, dim1, dim2, dim3 }, value, dtype ?? TypeOf(value), Arg.None, device), requires_grad, names);

    public static Tensor full(
        long rows, long columns, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("full", new long[] { rows, columns }, value, dtype ?? TypeOf(value), Arg.None, device), requires_grad, names);

    public static Tensor full(
        long size, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("full", new long[] { size }, value, dtype ?? TypeOf(value), Arg.None, device), requires_grad, names);

    public static Tensor full(
        long[] size, Scalar value, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("full", size, value, dtype ?? TypeOf(value), Arg.None, device), requires_grad, names);

    public static Tensor ones(
        ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("ones", size, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor ones(
        int dim0, int dim1, int dim2, int dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("ones", new long[] { dim0, dim1, dim2, dim3 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor ones(
        int dim0, int dim1, int dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("ones", new long[] { dim0, dim1, dim2 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor ones(
        int rows, int columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("ones", new long[] { rows, columns }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor ones(int size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("ones", new long[] { size }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor ones(
        long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("ones", new long[] { dim0, dim1, dim2, dim3 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor ones(
        long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("ones", new long[] { dim0, dim1, dim2 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor ones(
        long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("ones", new long[] { rows, columns }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor ones(long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("ones", new long[] { size }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor ones(long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("ones", size, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor zeros(
        ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("zeros", size, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor zeros(
        int dim0, int dim1, int dim2, int dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("zeros", new long[] { dim0, dim1, dim2, dim3 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor zeros(
        int dim0, int dim1, int dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("zeros", new long[] { dim0, dim1, dim2 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor zeros(
        int rows, int columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("zeros", new long[] { rows, columns }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor zeros(int size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("zeros", new long[] { size }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor zeros(
        long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("zeros", new long[] { dim0, dim1, dim2, dim3 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor zeros(
        long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("zeros", new long[] { dim0, dim1, dim2 }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor zeros(
        long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("zeros", new long[] { rows, columns }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor zeros(long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("zeros", new long[] { size }, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor zeros(long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        Made(Call("zeros", size, dtype ?? default_dtype, Arg.None, device), requires_grad, names);
}
