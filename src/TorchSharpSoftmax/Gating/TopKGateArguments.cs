using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What top-k gates refuse, before any work.</summary>
internal static class TopKGateArguments
{
    /// <summary>The most experts whose numbers a float holds exactly.</summary>
    internal const long MostExperts = 1 << 24;

    internal static void Logits(Tensor logits)
    {
        Check.Alive(logits, nameof(logits));
        if (!logits.is_floating_point())
        {
            throw new ArgumentException($"'{nameof(logits)}' has dtype {logits.dtype}; a floating dtype is required.", nameof(logits));
        }

        if (logits.ndim == 0 || logits.size((int)logits.ndim - 1) is 0 or > MostExperts)
        {
            throw new ArgumentException(
                $"'{nameof(logits)}' has shape {Check.Text(logits.shape)}; [..., E] with E of 1 to {MostExperts} experts is required.", nameof(logits));
        }
    }

    internal static GateRule Rule(long experts, long k, TopKGateMode mode, long num_groups, long topk_groups, double scale)
    {
        if (mode is < TopKGateMode.KeptSoftmax or > TopKGateMode.Sigmoid)
        {
            throw OutOfRange(nameof(mode), (int)mode, "KeptSoftmax, Softmax, SoftmaxRenormalized or Sigmoid");
        }

        if (mode != TopKGateMode.Sigmoid && (num_groups != 1 || topk_groups != 1 || scale != 1))
        {
            string name = num_groups != 1 ? nameof(num_groups) : topk_groups != 1 ? nameof(topk_groups) : nameof(scale);
            throw new ArgumentException($"'{name}' is given beside mode {mode}; Sigmoid, or 1, is required.", name);
        }

        if (k < 1 || k > experts)
        {
            throw OutOfRange(nameof(k), k, $"1 to {experts}, the number of experts,");
        }

        if (num_groups < 1 || experts % num_groups != 0)
        {
            throw OutOfRange(nameof(num_groups), num_groups, $"a divisor of {experts}, the number of experts,");
        }

        if (topk_groups < 1 || topk_groups > num_groups)
        {
            throw OutOfRange(nameof(topk_groups), topk_groups, $"1 to {num_groups}, the number of groups,");
        }

        long reachable = experts / num_groups * topk_groups;
        if (k > reachable)
        {
            throw OutOfRange(nameof(k), k, $"1 to {reachable}, the experts of the kept groups,");
        }

        if (!double.IsFinite(scale))
        {
            throw OutOfRange(nameof(scale), scale, "a finite number");
        }

        return new(mode, (nint)num_groups, (nint)topk_groups, scale);
    }

    internal static void Bias(Tensor? bias, Tensor logits, long experts, TopKGateMode mode)
    {
        if (bias is null)
        {
            return;
        }

        Check.Alive(bias, nameof(bias));
        if (mode != TopKGateMode.Sigmoid)
        {
            throw new ArgumentException($"'{nameof(bias)}' is given beside mode {mode}; Sigmoid, or no bias, is required.", nameof(bias));
        }

        Check.Dense(bias, nameof(bias));
        Check.Shape(bias, [experts], nameof(bias));
        Check.Device(bias, logits, nameof(bias));
        if (!bias.is_floating_point())
        {
            throw new ArgumentException($"'{nameof(bias)}' has dtype {bias.dtype}; a floating dtype is required.", nameof(bias));
        }

        if (bias.requires_grad && is_grad_enabled())
        {
            throw new ArgumentException(
                $"'{nameof(bias)}' requires grad; the choice has no derivative: a tensor that does not require grad, or no_grad(), is required.", nameof(bias));
        }
    }

    /// <summary>Of the module itself; the gate's own follow.</summary>
    internal static void Module(long in_features, long num_experts, long k, TopKGateMode mode, double jitter, double bias_update_rate, bool trainable)
    {
        if (in_features < 1)
        {
            throw OutOfRange(nameof(in_features), in_features, "1 or more");
        }

        if (num_experts is < 1 or > MostExperts)
        {
            throw OutOfRange(nameof(num_experts), num_experts, $"1 to {MostExperts}");
        }

        if (!(jitter >= 0 && jitter < 1))
        {
            throw OutOfRange(nameof(jitter), jitter, "0 to less than 1");
        }

        if (!(bias_update_rate >= 0 && double.IsFinite(bias_update_rate)))
        {
            throw OutOfRange(nameof(bias_update_rate), bias_update_rate, "0 or more");
        }

        if (k == 1 && mode != TopKGateMode.Softmax && trainable)
        {
            throw new ArgumentException(
                $"'{nameof(k)}' is 1 beside mode {mode}, whose only weight is constant: the router's gradient would be 0 always; mode Softmax, more experts, or "
                + $"'{nameof(trainable)}' false is required.",
                nameof(k));
        }
    }

    internal static void Input(Tensor input, long in_features)
    {
        Check.Alive(input, nameof(input));
        if (!input.is_floating_point())
        {
            throw new ArgumentException($"'{nameof(input)}' has dtype {input.dtype}; a floating dtype is required.", nameof(input));
        }

        if (input.ndim == 0 || input.size((int)input.ndim - 1) != in_features)
        {
            throw new ArgumentException($"'{nameof(input)}' has shape {Check.Text(input.shape)}; [..., {in_features}] is required.", nameof(input));
        }
    }

    internal static ArgumentOutOfRangeException OutOfRange(string name, object value, string required) =>
        new(name, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"'{name}' is {value}; {required} is required."));
}
