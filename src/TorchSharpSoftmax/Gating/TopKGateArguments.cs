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
        Check.Floating(logits, nameof(logits));
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
            throw Check.OutOfRange(nameof(mode), (int)mode, "KeptSoftmax, Softmax, SoftmaxRenormalized or Sigmoid");
        }

        if (mode != TopKGateMode.Sigmoid && (num_groups != 1 || topk_groups != 1 || scale != 1))
        {
            string name = num_groups != 1 ? nameof(num_groups) : topk_groups != 1 ? nameof(topk_groups) : nameof(scale);
            throw new ArgumentException($"'{name}' is given beside mode {mode}; Sigmoid, or 1, is required.", name);
        }

        RoutingArguments.Choices(k, experts);
        if (num_groups < 1 || experts % num_groups != 0)
        {
            throw Check.OutOfRange(nameof(num_groups), num_groups, $"a divisor of {experts}, the number of experts,");
        }

        if (topk_groups < 1 || topk_groups > num_groups)
        {
            throw Check.OutOfRange(nameof(topk_groups), topk_groups, $"1 to {num_groups}, the number of groups,");
        }

        long reachable = experts / num_groups * topk_groups;
        if (k > reachable)
        {
            throw Check.OutOfRange(nameof(k), k, $"1 to {reachable}, the experts of the kept groups,");
        }

        if (!double.IsFinite(scale))
        {
            throw Check.OutOfRange(nameof(scale), scale, "a finite number");
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
        Check.Floating(bias, nameof(bias));
        if (bias.requires_grad && is_grad_enabled())
        {
            throw new ArgumentException(
                $"'{nameof(bias)}' requires grad; the choice has no derivative: a tensor that does not require grad, or no_grad(), is required.", nameof(bias));
        }
    }

    /// <summary>Of the module itself; the gate's own follow.</summary>
    internal static void Module(long in_features, long num_experts, long k, TopKGateMode mode, double jitter, double bias_update_rate, bool trainable)
    {
        RoutingArguments.AtLeastOne(in_features, nameof(in_features));
        RoutingArguments.Experts(num_experts);
        if (!(jitter >= 0 && jitter < 1))
        {
            throw Check.OutOfRange(nameof(jitter), jitter, "0 to less than 1");
        }

        RoutingArguments.NotNegative(bias_update_rate, nameof(bias_update_rate));
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
        Check.Floating(input, nameof(input));
        if (input.ndim == 0 || input.size((int)input.ndim - 1) != in_features)
        {
            throw new ArgumentException($"'{nameof(input)}' has shape {Check.Text(input.shape)}; [..., {in_features}] is required.", nameof(input));
        }
    }
}
