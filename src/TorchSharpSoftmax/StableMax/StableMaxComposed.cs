using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>StableMax from libtorch's operators: what tensors without a kernel take. StableMax(x) = softmax(g(x)) with g(x) = sign(x) log(1 + |x|).</summary>
internal static class StableMaxComposed
{
    /// <summary>g(x), whose derivative is 1 / (1 + |x|) everywhere: at 0, and at -infinity, where <c>sign</c> and <c>abs</c> would give 0 and NaN.</summary>
    /// <remarks>Not by <c>log1p</c>: libtorch's gives NaN, or infinity, for numbers near the type's largest.</remarks>
    internal static Tensor Logarithm(Tensor x)
    {
        using var zero = zeros_like(x);
        using var one = ones_like(x);
        using var isNegative = x.lt(zero);
        using var negative = where(isNegative, x, zero);
        using var positive = where(isNegative, zero, x);
        using var grownNegative = one.sub(negative);
        using var grownPositive = one.add(positive, Scalars.One);
        using var ofNegative = grownNegative.log();
        using var ofPositive = grownPositive.log();
        return ofPositive.sub(ofNegative);
    }

    internal static Tensor StableMax(Tensor x, int dim) => Dtype.InArithmetic(x, wide =>
    {
        using var g = Logarithm(wide);
        return g.softmax(dim);
    });

    internal static Tensor LogStableMax(Tensor x, int dim) => Dtype.InArithmetic(x, wide =>
    {
        using var g = Logarithm(wide);
        return g.log_softmax(dim);
    });

    /// <summary>1 / (1 + |x|), the derivative of <see cref="Logarithm"/>.</summary>
    internal static Tensor Slope(Tensor x)
    {
        using var one = Scalars.Tensor(1.0, x.dtype, x.device);
        using var size = x.abs();
        using var grown = size.add(one, Scalars.One);
        return one.div(grown);
    }
}
