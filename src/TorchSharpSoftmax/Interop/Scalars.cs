using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The scalars that operators take, alive as long as the process.</summary>
/// <remarks>Where TorchSharp makes one for a call, as in <c>add(tensor)</c> or <c>masked_fill(mask, 0)</c>, the collector may take it while libtorch still reads it.</remarks>
internal static class Scalars
{
    internal static readonly Scalar One = 1.ToScalar();
    internal static readonly Scalar Zero = 0.ToScalar();
    internal static readonly Scalar NaN = double.NaN.ToScalar();
    internal static readonly Scalar NegativeInfinity = double.NegativeInfinity.ToScalar();

    /// <summary>A tensor of no dimensions. Made of an array: <c>tensor(number, dtype)</c> leaves a temporary in the caller's dispose scope until TorchSharp 0.105.</summary>
    internal static Tensor Tensor(double value, ScalarType dtype, Device? device = null) => tensor([value], [], dtype, device);

    internal static Tensor Tensor(long value, ScalarType dtype, Device? device = null) => tensor([value], [], dtype, device);
}
