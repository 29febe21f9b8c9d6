using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What the cross-entropies refuse; the same for every link, and before any graph node exists.</summary>
internal static class CrossEntropyArguments
{
    /// <summary>Dtypes, shapes, devices and options; not yet the class numbers. Tells whether targets are probabilities.</summary>
    internal static bool AreProbabilities(Tensor input, Tensor target, Tensor? weight, long ignore_index, nn.Reduction reduction, double label_smoothing)
    {
        Check.Alive(input, nameof(input));
        Check.Alive(target, nameof(target));
        Check.Floating(input, nameof(input));
        if (input.ndim == 0)
        {
            throw new ArgumentException($"'{nameof(input)}' has shape []; [C], [N, C] or [N, C, ...] is required.", nameof(input));
        }

        Options(reduction, label_smoothing);
        Check.Device(target, input, nameof(target));
        if (weight is not null)
        {
            Weight(weight, input);
        }

        bool probabilities = is_floating_point(target);
        if (!probabilities)
        {
            Classes(target, input);
            return false;
        }

        Check.Shape(target, input, nameof(target));
        if (ignore_index >= 0) // as libtorch; a negative one is no class in any case
        {
            throw new ArgumentException(
                $"'{nameof(ignore_index)}' is {ignore_index} beside probabilities; class numbers (Int64), or no {nameof(ignore_index)}, is required.", nameof(ignore_index));
        }

        return true;
    }

    /// <summary>What needs no tensor.</summary>
    internal static void Options(nn.Reduction reduction, double label_smoothing)
    {
        if (reduction is not (nn.Reduction.None or nn.Reduction.Mean or nn.Reduction.Sum))
        {
            throw Check.OutOfRange(nameof(reduction), (long)reduction, "None, Mean or Sum");
        }

        if (!(label_smoothing is >= 0 and <= 1))
        {
            throw Check.OutOfRange(nameof(label_smoothing), label_smoothing, "0 to 1");
        }
    }

    /// <summary>A weight's gradient exists only where targets are probabilities, in libtorch too.</summary>
    internal static void NoGradient(Tensor? weight)
    {
        if (weight is { requires_grad: true } && is_grad_enabled())
        {
            throw new ArgumentException(
                $"'{nameof(weight)}' requires grad; with class numbers it has no derivative: a weight that does not require grad, or no_grad(), is required.",
                nameof(weight));
        }
    }

    internal static ArgumentOutOfRangeException NoClass(Tensor target, long row, long classes, long ignore_index)
    {
        using var flat = target.reshape(-1);
        using var element = flat.narrow(0, row, 1);
        string place = target.ndim == 0 ? "" : $" at {ElementAccess.Index(row, target.shape)}";
        return new(nameof(target), $"'{nameof(target)}' is {element.item<long>()}{place}; 0 to {classes - 1}, or {nameof(ignore_index)} ({ignore_index}), is required.");
    }

    private static void Classes(Tensor target, Tensor input)
    {
        if (target.dtype != ScalarType.Int64)
        {
            throw new ArgumentException(
                $"'{nameof(target)}' has dtype {target.dtype}; Int64 is required for class numbers, a floating dtype for probabilities.", nameof(target));
        }

        long[] shape = input.shape;
        Check.Shape(target, shape.Length == 1 ? [] : [shape[0], .. shape[2..]], nameof(target));
    }

    private static void Weight(Tensor weight, Tensor input)
    {
        Check.Alive(weight, nameof(weight));
        Check.Dense(weight, nameof(weight));
        Check.Shape(weight, [input.size(ClassDim(input))], nameof(weight));
        Check.Dtype(weight, input.dtype, nameof(weight));
        Check.Device(weight, input, nameof(weight));
    }

    internal static int ClassDim(Tensor input) => input.ndim == 1 ? 0 : 1;
}
