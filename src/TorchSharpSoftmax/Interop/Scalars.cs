using TorchSharp;

namespace TorchSharpSoftmax;

/// <summary>The scalars that operators take, alive as long as the process.</summary>
/// <remarks>Where TorchSharp makes one for a call, as in <c>add(tensor)</c> or <c>masked_fill(mask, 0)</c>, the collector may take it while libtorch still reads it.</remarks>
internal static class Scalars
{
    internal static readonly Scalar One = 1.ToScalar();
    internal static readonly Scalar Zero = 0.ToScalar();
    internal static readonly Scalar NaN = double.NaN.ToScalar();
    internal static readonly Scalar NegativeInfinity = double.NegativeInfinity.ToScalar();
}
