using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>An operator whose output has its input's shape: what the in-place and <c>out</c> forms need of it.</summary>
/// <typeparam name="TOptions">Its arguments that are no tensors.</typeparam>
internal interface IWritesInto<TOptions>
{
    /// <summary>The functional form's name, for messages.</summary>
    static abstract string Spelling { get; }

    /// <summary>y from x; both contiguous on the CPU with a kernel's dtype, of one shape; y may be x's own memory.</summary>
    static abstract void Write(Tensor x, Tensor y, TOptions options);

    /// <summary>The differentiable output, where there is a kernel.</summary>
    static abstract Tensor Apply(Tensor x, TOptions options);

    /// <summary>By libtorch's operators: other devices, layouts and dtypes, and its errors.</summary>
    static abstract Tensor Composed(Tensor x, TOptions options);
}
