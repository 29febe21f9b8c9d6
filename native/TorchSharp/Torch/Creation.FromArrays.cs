using System;
using System.Numerics;

namespace TorchSharp;

/// <summary>torch.tensor of numbers and arrays: the data is copied.</summary>
public static partial class torch
{
    public static Tensor tensor((double, double) scalar, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        OfScalar(new Complex(scalar.Item1, scalar.Item2), dtype, device, requires_grad, null);

    public static Tensor tensor((float, float) scalar, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        OfScalar(scalar, dtype, device, requires_grad, null);

    public static Tensor tensor(
        (float, float)[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<(float, float)>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        (float, float)[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<(float, float)>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        (float, float)[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<(float, float)>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        (float, float)[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<(float, float)>(rawArray, dimensions, dtype, device, requires_grad, names);

    public static Tensor tensor(
        (float, float)[] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<(float, float)>(rawArray, [rawArray.Length], dtype, device, requires_grad, names);

    public static Tensor tensor(
        Half[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<Half>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        Half[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<Half>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        Half[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<Half>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        Half[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<Half>(rawArray, dimensions, dtype, device, requires_grad, names);

    public static Tensor tensor(Half[] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<Half>(rawArray, [rawArray.Length], dtype, device, requires_grad, names);

    public static Tensor tensor(Complex scalar, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        OfScalar(scalar, dtype, device, requires_grad, null);

    public static Tensor tensor(
        Complex[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<Complex>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        Complex[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<Complex>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        Complex[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<Complex>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        Complex[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<Complex>(rawArray, dimensions, dtype, device, requires_grad, names);

    public static Tensor tensor(
        Complex[] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<Complex>(rawArray, [rawArray.Length], dtype, device, requires_grad, names);

    public static Tensor tensor(bool scalar, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        OfScalar(scalar, dtype, device, requires_grad, null);

    public static Tensor tensor(
        bool[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<bool>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        bool[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<bool>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        bool[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<bool>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        bool[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<bool>(rawArray, dimensions, dtype, device, requires_grad, names);

    public static Tensor tensor(bool[] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<bool>(rawArray, [rawArray.Length], dtype, device, requires_grad, names);

    public static Tensor tensor(byte scalar, Device device = null, bool requires_grad = false) => OfScalar(scalar, null, device, requires_grad, null);

    public static Tensor tensor(
        byte[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<byte>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        byte[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<byte>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        byte[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<byte>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        byte[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<byte>(rawArray, dimensions, dtype, device, requires_grad, names);

    public static Tensor tensor(byte[] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<byte>(rawArray, [rawArray.Length], dtype, device, requires_grad, names);

    public static Tensor tensor(double real, double imaginary, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        OfScalar<Complex>(new Complex(real, imaginary), dtype, device, requires_grad, null);

    public static Tensor tensor(double scalar, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        OfScalar(scalar, dtype, device, requires_grad, null);

    public static Tensor tensor(
        double[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<double>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        double[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<double>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        double[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<double>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        double[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<double>(rawArray, dimensions, dtype, device, requires_grad, names);

    public static Tensor tensor(
        double[] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<double>(rawArray, [rawArray.Length], dtype, device, requires_grad, names);

    public static Tensor tensor(float real, float imaginary, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        OfScalar<(float, float)>((real, imaginary), dtype, device, requires_grad, null);

    public static Tensor tensor(float scalar, Device device = null, bool requires_grad = false) =>
        OfScalar(scalar, null, device, requires_grad, null);

    public static Tensor tensor(
        float[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<float>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        float[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<float>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        float[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<float>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        float[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<float>(rawArray, dimensions, dtype, device, requires_grad, names);

    public static Tensor tensor(
        float[] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<float>(rawArray, [rawArray.Length], dtype, device, requires_grad, names);

    public static Tensor tensor(int scalar, Device device = null, bool requires_grad = false) => OfScalar(scalar, null, device, requires_grad, null);

    public static Tensor tensor(
        int[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<int>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        int[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<int>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(int[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<int>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        int[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<int>(rawArray, dimensions, dtype, device, requires_grad, names);

    public static Tensor tensor(
        int[] rawArray, long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<int>(rawArray, [dim0, dim1, dim2, dim3], dtype, device, requires_grad, names);

    public static Tensor tensor(int[] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<int>(rawArray, [rawArray.Length], dtype, device, requires_grad, names);

    public static Tensor tensor(long scalar, ScalarType? dtype = null, Device device = null, bool requires_grad = false) =>
        OfScalar(scalar, dtype, device, requires_grad, null);

    public static Tensor tensor(
        long[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<long>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        long[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<long>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        long[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<long>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        long[] dataArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<long>(dataArray, dimensions, dtype, device, requires_grad, names);

    public static Tensor tensor(
        long[] dataArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<long>(dataArray, [dataArray.Length], dtype, device, requires_grad, names);

    public static Tensor tensor(sbyte scalar, Device device = null, bool requires_grad = false) =>
        OfScalar(scalar, null, device, requires_grad, null);

    public static Tensor tensor(
        sbyte[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<sbyte>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        sbyte[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<sbyte>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        sbyte[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<sbyte>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        sbyte[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<sbyte>(rawArray, dimensions, dtype, device, requires_grad, names);

    public static Tensor tensor(
        sbyte[] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<sbyte>(rawArray, [rawArray.Length], dtype, device, requires_grad, names);

    public static Tensor tensor(short scalar, Device device = null, bool requires_grad = false) =>
        OfScalar(scalar, null, device, requires_grad, null);

    public static Tensor tensor(
        short[,,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<short>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        short[,,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<short>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        short[,] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfArray<short>(rawArray, dtype, device, requires_grad, names);

    public static Tensor tensor(
        short[] rawArray, ReadOnlySpan<long> dimensions, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<short>(rawArray, dimensions, dtype, device, requires_grad, names);

    public static Tensor tensor(
        short[] rawArray, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) =>
        OfSpan<short>(rawArray, [rawArray.Length], dtype, device, requires_grad, names);
}
