using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>A call of a kernel, waiting for its element type. A struct, so that <see cref="Dtype.Run{TCall}"/> compiles to direct calls.</summary>
internal interface IElementCall
{
    void Run<S>() where S : unmanaged;
}

/// <summary>From a tensor's dtype to the element type that the kernels take.</summary>
internal static class Dtype
{
    /// <summary>Whether the managed kernels serve this tensor: a strided CPU tensor of a floating dtype.</summary>
    internal static bool HasKernel(Tensor x) =>
        IsServed(x.dtype) && x.device_type == DeviceType.CPU && !x.is_sparse;

    internal static bool IsServed(ScalarType dtype) =>
        dtype is ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16 or ScalarType.Float16;

    /// <summary>What the kernels compute in: float for the 16-bit types.</summary>
    internal static ScalarType ArithmeticOf(ScalarType dtype) => dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

    /// <summary>libtorch's operators as the kernels compute: 16-bit types in float, rounded once. It has few of them for Float16 on the CPU, too.</summary>
    internal static Tensor InArithmetic(Tensor x, Func<Tensor, Tensor> f)
    {
        if (ArithmeticOf(x.dtype) == x.dtype)
        {
            return f(x);
        }

        using var wide = x.to_type(ArithmeticOf(x.dtype));
        using var y = f(wide);
        return y.to_type(x.dtype);
    }

    internal static int SizeOf(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 => sizeof(double),
        ScalarType.Float32 => sizeof(float),
        _ => sizeof(ushort),
    };

    /// <summary>A new element type is one <c>As&lt;Type&gt;.cs</c> in the kernels, a line where <c>Isa</c> and <c>SpanCheck</c> name the types, and its lines in this class.</summary>
    internal static void Run<TCall>(ScalarType dtype, TCall call) where TCall : struct, IElementCall
    {
        switch (dtype)
        {
            case ScalarType.Float32: call.Run<float>(); break;
            case ScalarType.Float64: call.Run<double>(); break;
            case ScalarType.BFloat16: call.Run<BFloat16>(); break;
            case ScalarType.Float16: call.Run<Half>(); break;
            default: throw new ArgumentException($"'dtype' is {dtype}; a kernel takes Float32, Float64, BFloat16 or Float16.", nameof(dtype));
        }
    }
}
