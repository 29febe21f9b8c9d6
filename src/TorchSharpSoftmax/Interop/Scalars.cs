using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The scalars that operators take, alive as long as the process.</summary>
/// <remarks>Where TorchSharp makes one for a call, as in <c>add(tensor)</c> or <c>masked_fill(mask, 0)</c>, the collector may take it while libtorch still reads it.</remarks>
internal static class Scalars
{
    internal static readonly Scalar One = 1.ToScalar();
    internal static readonly Scalar Zero = 0.ToScalar();
    internal static readonly Scalar Hundredth = 0.01.ToScalar();
    internal static readonly Scalar NaN = double.NaN.ToScalar();
    internal static readonly Scalar NegativeInfinity = double.NegativeInfinity.ToScalar();

    /// <summary>A tensor of no dimensions, by default on the CPU, where it meets tensors of any device; without a device it would be on <c>set_default_device</c>'s.</summary>
    /// <remarks>Made of an array: <c>tensor(number, dtype)</c> leaves a temporary in the caller's dispose scope until TorchSharp 0.105.</remarks>
    internal static Tensor Tensor(double value, ScalarType dtype, Device? device = null) => tensor([value], [], dtype, device ?? CPU);

    internal static Tensor Tensor(long value, ScalarType dtype, Device? device = null) => tensor([value], [], dtype, device ?? CPU);
}
