using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What of the cross-entropies is composed of libtorch's operators: derivatives by probabilities, and second derivatives.</summary>
internal static class CrossEntropyComposed
{
    /// <summary>The logits whose softmax is the link's probabilities; a new handle.</summary>
    internal static Tensor Logits(Tensor x, CrossEntropyLink link) => link == CrossEntropyLink.StableMax ? StableMaxComposed.Logarithm(x) : x.alias();

    /// <summary>dt = -dy * weight * (1 - smoothing) * log(p), in the arithmetic type: libtorch has no half-precision logarithm on the CPU.</summary>
    internal static Tensor GradientOfProbabilities(Tensor x, Tensor? weight, Tensor dy, CrossEntropyOptions options)
    {
        var arithmetic = Dtype.ArithmeticOf(x.dtype);
        if (arithmetic != x.dtype)
        {
            using var wideX = x.to_type(arithmetic);
            using var wideDy = dy.to_type(arithmetic);
            using var wide = GradientOfProbabilities(wideX, weight, wideDy, options);
            return wide.to_type(x.dtype);
        }

        int dim = CrossEntropyArguments.ClassDim(x);
        using var logits = Logits(x, options.Link);
        using var log = logits.log_softmax(dim);
        using var part = OfTarget(weight, x, dim, options);
        using var zero = Constant(0, x);
        using var nothing = part.eq(zero);
        using var counted = log.masked_fill(nothing, Scalars.Zero); // what counts with 0 counts 0 at -infinity too
        using var each = counted.mul(part);
        using var row = PerRow(dy, dim, options);
        using var product = each.mul(row);
        return product.neg();
    }

    /// <summary>
    /// With u = slope * v, e = sum(q) * p - q, c = dy / divisor: dx' = c * (slope * sum(q) * p * (u - sum(p * u)) + e * slope' * v), ddy = sum(e * u) and, for
    /// targets that are probabilities, dt' = c * weight * (1 - smoothing) * (sum(p * u) - u).
    /// </summary>
    internal static void SecondDerivative(
        Tensor v, Tensor x, Tensor target, Tensor dy, Tensor? weight, CrossEntropyOptions options, Gradients gradients, int ofX, int ofTarget, int ofUpstream)
    {
        int dim = CrossEntropyArguments.ClassDim(x);
        bool stable = options.Link == CrossEntropyLink.StableMax;
        using var logits = Logits(x, options.Link);
        using var p = logits.softmax(dim);
        using var slope = stable ? StableMaxComposed.Slope(x) : Constant(1, x);
        using var u = v.mul(slope);
        using var pu = p.mul(u);
        using var mean = pu.sum(dim, keepdim: true);
        using var c = PerRow(dy, dim, options);
        using var q = Counts(x, target, weight, dim, options);
        using var all = q.sum(dim, keepdim: true);
        using var allP = p.mul(all);
        using var e = allP.sub(q);
        if (gradients.Wants(ofX))
        {
            using var away = u.sub(mean);
            using var first = allP.mul(away);
            using var sloped = first.mul(slope);
            using var curved = stable ? OfCurve(e, slope, x, v) : zeros_like(sloped);
            using var sum = sloped.add(curved, Scalars.One);
            gradients[ofX] = sum.mul(c);
        }

        if (gradients.Wants(ofTarget))
        {
            using var away = mean.sub(u);
            using var part = OfTarget(weight, x, dim, options);
            using var each = away.mul(part);
            gradients[ofTarget] = each.mul(c);
        }

        if (gradients.Wants(ofUpstream))
        {
            using var eu = e.mul(u);
            gradients[ofUpstream] = OfUpstream(eu, dim, options);
        }
    }

    private static Tensor OfUpstream(Tensor eu, int dim, CrossEntropyOptions options)
    {
        if (options.Reduction == nn.Reduction.None)
        {
            return eu.sum(dim);
        }

        using var sum = eu.sum();
        using var divisor = Constant(options.Divisor, sum);
        return sum.div(divisor);
    }

    /// <summary>e * slope' * v, where slope' = -sign(x) * slope^2 is StableMax's.</summary>
    private static Tensor OfCurve(Tensor e, Tensor slope, Tensor x, Tensor v)
    {
        using var square = slope.mul(slope);
        using var sign = x.sign();
        using var curve = square.mul(sign);
        using var ev = e.mul(v);
        using var product = ev.mul(curve);
        return product.neg();
    }

    /// <summary>q: what each log-probability counts, in full.</summary>
    private static Tensor Counts(Tensor x, Tensor target, Tensor? weight, int dim, CrossEntropyOptions options)
    {
        using var spread = Constant(options.Smoothing / x.size(dim), x);
        using var weights = Weights(weight, x, dim);
        using var every = weights.mul(spread);
        using var part = OfTarget(weight, x, dim, options);
        if (options.Probabilities)
        {
            using var own = part.mul(target);
            return own.add(every, Scalars.One);
        }

        using var ignoredClass = Scalars.Tensor(options.Ignored, ScalarType.Int64, target.device);
        using var ignored = target.eq(ignoredClass);
        using var noClass = zeros_like(target);
        using var known = where(ignored, noClass, target);
        using var index = known.unsqueeze(dim);
        using var none = zeros_like(x);
        using var full = none.add(part, Scalars.One);
        using var ofIndex = full.gather(dim, index);
        using var oneHot = none.scatter(dim, index, ofIndex);
        using var counted = oneHot.add(every, Scalars.One);
        using var ignoredRows = ignored.unsqueeze(dim);
        return where(ignoredRows, none, counted);
    }

    /// <summary>weight * (1 - smoothing), to be broadcast.</summary>
    private static Tensor OfTarget(Tensor? weight, Tensor x, int dim, CrossEntropyOptions options)
    {
        using var weights = Weights(weight, x, dim);
        using var own = Constant(1 - options.Smoothing, x);
        return weights.mul(own);
    }

    private static Tensor Weights(Tensor? weight, Tensor x, int dim)
    {
        if (weight is null)
        {
            return Constant(1, x);
        }

        var shape = new long[x.ndim];
        shape.AsSpan().Fill(1);
        shape[dim] = x.size(dim);
        using var typed = weight.to_type(x.dtype);
        return typed.view(shape);
    }

    /// <summary>dy over the divisor, to be broadcast over the classes.</summary>
    private static Tensor PerRow(Tensor dy, int dim, CrossEntropyOptions options)
    {
        using var divisor = Constant(options.Divisor, dy);
        using var c = dy.div(divisor);
        return options.Reduction == nn.Reduction.None ? c.unsqueeze(dim) : c.alias();
    }

    private static Tensor Constant(double value, Tensor like) => Scalars.Tensor(value, like.dtype, like.device);
}
