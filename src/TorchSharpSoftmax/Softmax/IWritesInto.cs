using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>An operator whose output has its input's shape: what the in-place and <c>out</c> forms need of it.</summary>
internal interface IWritesInto
{
    /// <summary>The functional form's name, for messages.</summary>
    static abstract string Spelling { get; }

    /// <summary>y from x; both contiguous on the CPU with a kernel's dtype, of one shape; y may be x's own memory.</summary>
    static abstract void Write(Tensor x, Tensor y, int dim, SoftmaxAlgorithm algorithm);

    /// <summary>The differentiable output, where there is a kernel.</summary>
    static abstract Tensor Apply(Tensor x, int dim, SoftmaxAlgorithm algorithm);

    /// <summary>libtorch's own operator: other devices, layouts and dtypes, and its errors.</summary>
    static abstract Tensor Composed(Tensor x, int dim);
}
