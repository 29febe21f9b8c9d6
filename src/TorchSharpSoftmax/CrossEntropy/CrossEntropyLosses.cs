using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>A cross-entropy beside its tensors; two are equal if they would do the same.</summary>
/// <param name="Link">Whose probabilities.</param>
/// <param name="Probabilities">Whether targets are probabilities, not class numbers.</param>
/// <param name="Reduction">Of the rows' losses.</param>
/// <param name="Ignored">The class number of rows that do not count.</param>
/// <param name="Smoothing">What of a target is spread over all classes.</param>
/// <param name="Divisor">What a mean is divided by, else 1.</param>
internal readonly record struct CrossEntropyOptions(
    CrossEntropyLink Link, bool Probabilities, nn.Reduction Reduction, long Ignored, double Smoothing, double Divisor);

/// <summary>From the arguments of a cross-entropy to its kernel, or to libtorch's operators.</summary>
internal static class CrossEntropyLosses
{
    internal static Tensor Of(
        CrossEntropyLink link, Tensor input, Tensor target, Tensor? weight, long ignore_index, nn.Reduction reduction, double label_smoothing)
    {
        bool probabilities = CrossEntropyArguments.AreProbabilities(input, target, weight, ignore_index, reduction, label_smoothing);
        if (!probabilities)
        {
            CrossEntropyArguments.NoGradient(weight);
        }

        bool weightNeedsGradient = weight is { requires_grad: true } && is_grad_enabled();
        if (weightNeedsGradient || !Dtype.HasKernel(input) || target.is_sparse)
        {
            using var logits = CrossEntropyComposed.Logits(input, link);
            return nn.functional.cross_entropy(logits, target, weight, ignore_index, reduction, label_smoothing);
        }

        var options = new CrossEntropyOptions(link, probabilities, reduction, ignore_index, label_smoothing, Divisor: 1);
        if (!probabilities)
        {
            return OfClasses(input, target, weight, options);
        }

        if (target.dtype == input.dtype)
        {
            return OfProbabilities(input, target, weight, options);
        }

        var common = promote_types(input.dtype, target.dtype);
        using var x = input.to_type(common);
        using var t = target.to_type(common);
        using var w = weight?.to_type(common);
        return OfProbabilities(x, t, w, options);
    }

    private static Tensor OfProbabilities(Tensor input, Tensor target, Tensor? weight, CrossEntropyOptions options)
    {
        using var w = weight is null ? null : Memory.ArithmeticCopy(weight);
        double rows = (double)input.numel() / Math.Max(1, input.size(CrossEntropyArguments.ClassDim(input)));
        return CrossEntropyFunction.Apply(input, target, w, options with { Divisor = options.Reduction == nn.Reduction.Mean ? rows : 1 });
    }

    private static Tensor OfClasses(Tensor input, Tensor target, Tensor? weight, CrossEntropyOptions options)
    {
        using var w = weight is null ? null : Memory.ArithmeticCopy(weight);
        var classes = Memory.Contiguous(target);
        try
        {
            long length = input.size(CrossEntropyArguments.ClassDim(input));
            var (wrong, counted) = Scan(input.dtype, classes, w, (nint)length, options);
            if (wrong >= 0)
            {
                throw CrossEntropyArguments.NoClass(classes, wrong, length, options.Ignored);
            }

            return CrossEntropyFunction.Apply(input, classes, w, options with { Divisor = options.Reduction == nn.Reduction.Mean ? counted : 1 });
        }
        finally
        {
            Memory.Release(classes, target);
        }
    }

    private static unsafe (nint Wrong, double Weight) Scan(ScalarType dtype, Tensor classes, Tensor? weight, nint length, CrossEntropyOptions options)
    {
        var targets = new CrossEntropyTargets((long*)Memory.Of(classes), null, weight is null ? null : Memory.Of(weight), length, options.Ignored, options.Smoothing);
        var found = dtype == ScalarType.Float64 ? targets.Scan<double>((nint)classes.numel()) : targets.Scan<float>((nint)classes.numel());
        GC.KeepAlive(classes);
        GC.KeepAlive(weight);
        return found;
    }

}
