using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What "Grokking at the Edge of Numerical Stability" (Prieto, Barsbey, Mediano, Birdal) looks at while a model trains. Composed of libtorch's operators.</summary>
internal static class GrokkingMetrics
{
    internal static double CollapseFraction(Tensor logits, ScalarType? dtype)
    {
        CheckLogits(logits);
        if (dtype is { } asked && !is_floating_point(asked))
        {
            throw new ArgumentException($"'{nameof(dtype)}' is {asked}; a floating dtype is required.", nameof(dtype));
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        int classes = CrossEntropyArguments.ClassDim(logits);
        if (logits.size(classes) == 0)
        {
            throw new ArgumentException($"'{nameof(logits)}' has shape {Check.Text(logits.shape)}; at least one class is required.", nameof(logits));
        }

        var type = dtype ?? logits.dtype;
        var z = logits.to_type(type);
        var sums = Sum(Each(Each(z.sub(z.amax([classes], keepdim: true)), x => x), x => x.exp()), classes);
        return Fraction(sums.eq(ones_like(sums)));
    }

    internal static double ZeroFraction(Tensor losses)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return Fraction(losses.eq(zeros_like(losses)));
    }

    internal static double ZeroFraction(Tensor logits, Tensor target, long ignore_index)
    {
        CheckLogits(logits);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        CheckTarget(logits, target, ignore_index);
        var losses = Each(logits, x => nn.functional.cross_entropy(x, target, ignore_index: ignore_index, reduction: nn.Reduction.None));
        var isZero = losses.eq(zeros_like(losses));
        if (is_floating_point(target.dtype))
        {
            return Fraction(isZero);
        }

        var counts = target.ne(Scalars.Tensor(ignore_index, ScalarType.Int64));
        return (double)Count(isZero.logical_and(counts)) / Count(counts);
    }

    private static void CheckTarget(Tensor logits, Tensor target, long ignore_index)
    {
        Check.Alive(target, nameof(target));
        if (CrossEntropyArguments.AreProbabilities(logits, target, null, ignore_index, nn.Reduction.None, 0) || target.device_type != DeviceType.CPU)
        {
            return; // another device's class numbers libtorch looks at itself
        }

        long classes = logits.size(CrossEntropyArguments.ClassDim(logits));
        long[] numbers = ElementAccess.Numbers(target);
        int wrong = Array.FindIndex(numbers, n => n != ignore_index && (n < 0 || n >= classes));
        if (wrong >= 0)
        {
            throw CrossEntropyArguments.NoClass(target, wrong, classes, ignore_index);
        }
    }

    internal static double Cosine(Parameter parameter, string argument)
    {
        Check.DenseFloating(parameter, argument);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var grad = parameter.grad;
        if (grad is null)
        {
            return double.NaN;
        }

        PerpGradOptions.CheckPair(parameter, grad, argument, argument + ".grad");
        Tensor w = parameter.to_type(ScalarType.Float64).flatten(), g = grad.to_type(ScalarType.Float64).flatten();
        return -w.dot(g).item<double>() / (Math.Sqrt(w.dot(w).item<double>()) * Math.Sqrt(g.dot(g).item<double>()));
    }

    /// <summary>A step of arithmetic in the tensor's dtype; the 16-bit ones, which libtorch lacks in part on the CPU, by float and one rounding.</summary>
    private static Tensor Each(Tensor x, Func<Tensor, Tensor> step) =>
        x.dtype is ScalarType.Float16 or ScalarType.BFloat16 ? step(x.to_type(ScalarType.Float32)).to_type(x.dtype) : step(x);

    private static Tensor Sum(Tensor x, int dim) => Each(x, y => y.sum(dim));

    private static void CheckLogits(Tensor logits)
    {
        Check.DenseFloating(logits, nameof(logits));
        if (logits.ndim == 0)
        {
            throw new ArgumentException($"'{nameof(logits)}' has 0 dimensions; [C], [N, C] or [N, C, ...] is required.", nameof(logits));
        }
    }

    private static double Fraction(Tensor isSo) => (double)Count(isSo) / isSo.numel();

    private static long Count(Tensor isSo)
    {
        using var count = isSo.count_nonzero();
        return count.item<long>();
    }
}
