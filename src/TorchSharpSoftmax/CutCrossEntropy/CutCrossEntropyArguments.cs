using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What the linear cross-entropies refuse, before any work; class numbers are looked at by <see cref="CutCrossEntropyRows"/>.</summary>
internal static class CutCrossEntropyArguments
{
    internal static void Head(Tensor input, Tensor linear_weight, Tensor? linear_bias, Tensor? weight)
    {
        Check.Alive(input, nameof(input));
        Check.Alive(linear_weight, nameof(linear_weight));
        Check.Floating(input, nameof(input));
        if (input.ndim == 0)
        {
            throw new ArgumentException($"'{nameof(input)}' has shape []; [D], [N, D] or [..., D] is required.", nameof(input));
        }

        long features = input.size((int)input.ndim - 1);
        if (linear_weight.ndim != 2 || linear_weight.size(1) != features || linear_weight.size(0) == 0)
        {
            throw new ArgumentException(
                $"'{nameof(linear_weight)}' has shape {Check.Text(linear_weight.shape)}; [C, {features}] with C of 1 or more is required.", nameof(linear_weight));
        }

        Check.Dtype(linear_weight, input.dtype, nameof(linear_weight));
        Check.Device(linear_weight, input, nameof(linear_weight));
        PerClass(linear_bias, input, linear_weight, nameof(linear_bias));
        PerClass(weight, input, linear_weight, nameof(weight));
    }

    internal static void Sizes(long in_features, long num_classes)
    {
        Named(nameof(in_features), in_features, in_features > 0, "1 or more");
        Named(nameof(num_classes), num_classes, num_classes > 0, "1 or more");
    }

    /// <summary>Of themselves; what they need of tensors follows.</summary>
    internal static void Options(LinearCrossEntropyOptions options, nn.Reduction reduction)
    {
        if (options.softcap is { } softcap && !(softcap > 0 && double.IsFinite(softcap)))
        {
            throw Check.OutOfRange("softcap", softcap, "more than 0, or null,");
        }

        if (!double.IsFinite(options.logit_scale))
        {
            throw Check.OutOfRange("logit_scale", options.logit_scale, "a finite number");
        }

        if (!(options.z_loss >= 0 && double.IsFinite(options.z_loss)))
        {
            throw Check.OutOfRange("z_loss", options.z_loss, "0 or more");
        }

        Named("link", (int)options.link, options.link is CrossEntropyLink.Softmax or CrossEntropyLink.StableMax, "Softmax or StableMax");
        Named("mode", (int)options.mode, options.mode is >= LinearCrossEntropyMode.Auto and <= LinearCrossEntropyMode.Recompute, "Auto, GradientInForward or Recompute");
        Named(
            "all_ignored", (int)options.all_ignored, options.all_ignored is >= LinearCrossEntropyAllIgnored.NaN and <= LinearCrossEntropyAllIgnored.Throw,
            "NaN, Zero or Throw");
        if (options.mode == LinearCrossEntropyMode.GradientInForward && reduction == nn.Reduction.None)
        {
            throw Unfit(
                "mode", "is GradientInForward beside reduction None, whose upstream gradients come later; Mean or Sum, or mode Auto or Recompute, is required.");
        }

        if (options.workspace < 0)
        {
            throw Check.OutOfRange("workspace", options.workspace.Value, "0 or more, or null,");
        }
    }

    internal static void Results(LinearCrossEntropyResults outputs)
    {
        const LinearCrossEntropyResults all = LinearCrossEntropyResults.LogSumExp | LinearCrossEntropyResults.NegativeLogLikelihood
            | LinearCrossEntropyResults.Entropy | LinearCrossEntropyResults.Argmax;
        Named(nameof(outputs), (int)outputs, (outputs & ~all) == 0, "a combination of LogSumExp, NegativeLogLikelihood, Entropy and Argmax");
    }

    internal static void Shift(long shift, Tensor input)
    {
        long tokens = input.ndim > 1 ? input.size((int)input.ndim - 2) : 1;
        if (shift < 0 || shift > Math.Max(tokens - 1, 0))
        {
            string required = tokens > 1 ? $"0 to {tokens - 1}, less than the input's tokens," : "0";
            throw Check.OutOfRange(nameof(shift), shift, required);
        }
    }

    /// <summary>Dtypes, shapes and devices of targets.</summary>
    internal static CutCrossEntropyTargetKind Targets(Tensor target, Tensor input, long classes, Tensor? target_probabilities, long? ignore_index)
    {
        Check.Alive(target, nameof(target));
        Check.Device(target, input, nameof(target));
        long[] tokens = input.shape[..^1];
        if (is_floating_point(target))
        {
            Dense(target, input, [.. tokens, classes], target_probabilities, ignore_index);
            return CutCrossEntropyTargetKind.Probabilities;
        }

        if (target.dtype != ScalarType.Int64)
        {
            throw new ArgumentException(
                $"'{nameof(target)}' has dtype {target.dtype}; Int64 is required for class numbers, a floating dtype for probabilities.", nameof(target));
        }

        if (target_probabilities is null)
        {
            Check.Shape(target, tokens, nameof(target));
            return CutCrossEntropyTargetKind.ClassNumbers;
        }

        Sparse(target, target_probabilities, tokens, classes);
        return CutCrossEntropyTargetKind.Sparse;
    }

    internal static void TokenWeights(Tensor? token_weights, Tensor input)
    {
        if (token_weights is null)
        {
            return;
        }

        Check.Alive(token_weights, nameof(token_weights));
        Check.Shape(token_weights, input.shape.AsSpan(..^1), nameof(token_weights));
        Check.Device(token_weights, input, nameof(token_weights));
        Check.Floating(token_weights, nameof(token_weights));
        if (token_weights.requires_grad && is_grad_enabled())
        {
            throw new ArgumentException(
                $"'{nameof(token_weights)}' requires grad; it has no derivative: a tensor that does not require grad, or no_grad(), is required.", nameof(token_weights));
        }
    }

    internal static void Workspace(long? workspace, long least)
    {
        if (workspace < least)
        {
            throw new ArgumentOutOfRangeException(
                nameof(workspace), $"'{nameof(workspace)}' is {workspace} bytes; {least} or more, or null, is required for this head.");
        }
    }

    internal static ArgumentException NothingCounts(Tensor target) => new(
        $"'{nameof(target)}' has no token that counts; one or more is required where 'all_ignored' is Throw.", nameof(target));

    private static void Dense(Tensor target, Tensor input, long[] shape, Tensor? target_probabilities, long? ignore_index)
    {
        Check.Shape(target, shape, nameof(target));
        Check.Dtype(target, input.dtype, nameof(target));
        if (target_probabilities is not null)
        {
            throw new ArgumentException(
                $"'{nameof(target_probabilities)}' is given beside a target of probabilities; class numbers (Int64), or no {nameof(target_probabilities)}, is required.",
                nameof(target_probabilities));
        }

        if (ignore_index >= 0) // as libtorch; a negative one is no class in any case
        {
            throw new ArgumentException(
                $"'{nameof(ignore_index)}' is {ignore_index} beside probabilities; class numbers (Int64), or no {nameof(ignore_index)}, is required.", nameof(ignore_index));
        }
    }

    private static void Sparse(Tensor target, Tensor target_probabilities, long[] tokens, long classes)
    {
        Check.Alive(target_probabilities, nameof(target_probabilities));
        long k = target.ndim == tokens.Length + 1 ? target.size(tokens.Length) : 0;
        if (k < 1 || k > classes || !target.shape.AsSpan(0, tokens.Length).SequenceEqual(tokens))
        {
            throw new ArgumentException(
                $"'{nameof(target)}' has shape {Check.Text(target.shape)}; {Check.Text(tokens)[..^1]}{(tokens.Length > 0 ? ", " : "")}K] with K of 1 to {classes} is required beside '{nameof(target_probabilities)}'.",
                nameof(target));
        }

        Check.Shape(target_probabilities, target, nameof(target_probabilities));
        Check.Device(target_probabilities, target, nameof(target_probabilities));
        Check.Floating(target_probabilities, nameof(target_probabilities));
    }

    private static void PerClass(Tensor? x, Tensor input, Tensor linear_weight, string argument)
    {
        if (x is null)
        {
            return;
        }

        Check.Alive(x, argument);
        Check.Shape(x, [linear_weight.size(0)], argument);
        Check.Dtype(x, input.dtype, argument);
        Check.Device(x, input, argument);
    }

    private static void Named(string argument, long value, bool isKnown, string required)
    {
        if (!isKnown)
        {
            throw Check.OutOfRange(argument, value, required);
        }
    }

    private static ArgumentException Unfit(string argument, string what) => new($"'{argument}' {what}", argument);
}
