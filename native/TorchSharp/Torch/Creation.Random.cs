using System;
using TorchSharp.Interop;
using static TorchSharp.Interop.Native;

namespace TorchSharp;

/// <summary>Random tensors.</summary>
public static partial class torch
{
    public static Tensor normal(
        double mean, double std, ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("normal.float_float", mean, std, size, generator, dtype ?? default_dtype, Arg.None, device), requires_grad, names);

    public static Tensor normal(Tensor mean, Tensor std, Generator generator = null) => Call("normal.Tensor_Tensor", mean, std, generator);

    public static Tensor rand(
        ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("rand.generator", size, generator, Floating("rand", dtype), Arg.None, device), requires_grad, names);

    public static Tensor rand(
        int dim0, int dim1, int dim2, int dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("rand.generator", new long[] { dim0, dim1, dim2, dim3 }, generator, Floating("rand", dtype), Arg.None, device), requires_grad, names);

    public static Tensor rand(
        int dim0, int dim1, int dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("rand.generator", new long[] { dim0, dim1, dim2 }, generator, Floating("rand", dtype), Arg.None, device), requires_grad, names);

    public static Tensor rand(
        int rows, int columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("rand.generator", new long[] { rows, columns }, generator, Floating("rand", dtype), Arg.None, device), requires_grad, names);

    public static Tensor rand(
        int size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("rand.generator", new long[] { size }, generator, Floating("rand", dtype), Arg.None, device), requires_grad, names);

    public static Tensor rand(
        long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("rand.generator", new long[] { dim0, dim1, dim2, dim3 }, generator, Floating("rand", dtype), Arg.None, device), requires_grad, names);

    public static Tensor rand(
        long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("rand.generator", new long[] { dim0, dim1, dim2 }, generator, Floating("rand", dtype), Arg.None, device), requires_grad, names);

    public static Tensor rand(
        long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("rand.generator", new long[] { rows, columns }, generator, Floating("rand", dtype), Arg.None, device), requires_grad, names);

    public static Tensor rand(
        long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("rand.generator", new long[] { size }, generator, Floating("rand", dtype), Arg.None, device), requires_grad, names);

    public static Tensor rand(
        long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("rand.generator", size, generator, Floating("rand", dtype), Arg.None, device), requires_grad, names);

    public static Tensor randint(
        int high, int[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(CallUncaught("randint.low_generator", 0, high, Array.ConvertAll(size, s => (long)s), generator, dtype ?? ScalarType.Int64, Arg.None, device), requires_grad, names);

    public static Tensor randint(
        int low, int high, int[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(CallUncaught("randint.low_generator", low, high, Array.ConvertAll(size, s => (long)s), generator, dtype ?? ScalarType.Int64, Arg.None, device), requires_grad, names);

    public static Tensor randint(
        long high, long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(CallUncaught("randint.low_generator", 0, high, size, generator, dtype ?? ScalarType.Int64, Arg.None, device), requires_grad, names);

    public static Tensor randint(
        long low, long high, long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(CallUncaught("randint.low_generator", low, high, size, generator, dtype ?? ScalarType.Int64, Arg.None, device), requires_grad, names);

    public static Tensor randn(
        ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("randn.generator", size, generator, Floating("randn", dtype), Arg.None, device), requires_grad, names);

    public static Tensor randn(
        int dim0, int dim1, int dim2, int dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("randn.generator", new long[] { dim0, dim1, dim2, dim3 }, generator, Floating("randn", dtype), Arg.None, device), requires_grad, names);

    public static Tensor randn(
        int dim0, int dim1, int dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("randn.generator", new long[] { dim0, dim1, dim2 }, generator, Floating("randn", dtype), Arg.None, device), requires_grad, names);

    public static Tensor randn(
        int rows, int columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("randn.generator", new long[] { rows, columns }, generator, Floating("randn", dtype), Arg.None, device), requires_grad, names);

    public static Tensor randn(
        int size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("randn.generator", new long[] { size }, generator, Floating("randn", dtype), Arg.None, device), requires_grad, names);

    public static Tensor randn(
        long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("randn.generator", new long[] { dim0, dim1, dim2, dim3 }, generator, Floating("randn", dtype), Arg.None, device), requires_grad, names);

    public static Tensor randn(
        long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("randn.generator", new long[] { dim0, dim1, dim2 }, generator, Floating("randn", dtype), Arg.None, device), requires_grad, names);

    public static Tensor randn(
        long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("randn.generator", new long[] { rows, columns }, generator, Floating("randn", dtype), Arg.None, device), requires_grad, names);

    public static Tensor randn(
        long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("randn.generator", new long[] { size }, generator, Floating("randn", dtype), Arg.None, device), requires_grad, names);

    public static Tensor randn(
        long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) =>
        Made(Call("randn.generator", size, generator, Floating("randn", dtype), Arg.None, device), requires_grad, names);

    public static Tensor randperm(long n, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null) =>
        Made(Call("randperm.generator", n, generator, dtype ?? ScalarType.Int64, Arg.None, device), requires_grad);

    public static Tensor randperm(long n, Tensor @out, Generator generator = null) => Call("randperm.generator_out", n, generator, @out);
}
