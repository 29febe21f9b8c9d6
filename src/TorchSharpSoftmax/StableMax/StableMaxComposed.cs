using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>StableMax from libtorch's operators: what tensors without a kernel take. StableMax(x) = softmax(g(x)) with g(x) = sign(x) log(1 + |x|).</summary>
internal static class StableMaxComposed
{
    /// <summary>g(x), whose derivative is 1 / (1 + |x|) everywhere: at 0, and at -infinity, where <c>sign</c> and <c>abs</c> would give 0 and NaN.</summary>
    internal static Tensor Logarithm(Tensor x)
    {
        using var zero = zeros_like(x);
        using var isNegative = x.lt(zero);
        using var negative = where(isNegative, x, zero);
        using var positive = where(isNegative, zero, x);
        using var size = negative.neg();
        using var ofNegative = size.log1p();
        using var ofPositive = positive.log1p();
        return ofPositive.sub(ofNegative);
    }
}
