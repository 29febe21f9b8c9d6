using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>A top-k gate from its arguments: checked, by a kernel or composed, and its outputs in the shapes of the logits.</summary>
internal static class TopKGates
{
    internal static TopKGateOutputs Of(
        Tensor logits, long k, TopKGateMode mode, Tensor? bias, long num_groups, long topk_groups, double scale, bool statistics)
    {
        TopKGateArguments.Logits(logits);
        int last = (int)logits.ndim - 1;
        long experts = logits.size(last);
        var rule = TopKGateArguments.Rule(experts, k, mode, num_groups, topk_groups, scale);
        TopKGateArguments.Bias(bias, logits, experts, mode);
        var shape = new GateShape((nint)(logits.numel() / experts), (nint)experts, (nint)k);
        using var read = bias is null ? null : Read(bias, logits);
        var call = new TopKGateCall(shape, rule, read, statistics);
        return Dtype.HasKernel(logits) ? ByKernel(logits, call) : Composed(logits, call);
    }

    internal static TopKGateOutputs Composed(Tensor logits, TopKGateCall call)
    {
        using var flat = logits.reshape(call.Shape.Tokens, call.Shape.Experts);
        var found = TopKGateComposed.Of(flat, call);
        if (logits.ndim == 2)
        {
            return found;
        }

        using var weights = found.weights;
        using var indices = found.indices;
        using var lse = found.lse;
        long[] tokens = logits.shape[..^1], kept = [.. tokens, call.Shape.Kept];
        return new(weights.reshape(kept), indices.reshape(kept), found.counts, lse?.reshape(tokens), found.mean_probability);
    }

    private static TopKGateOutputs ByKernel(Tensor logits, TopKGateCall call)
    {
        using var packed = TopKGateFunction.Apply(logits, call);
        var (indices, counts) = (call.Indices!, call.Counts!);
        (call.Bias, call.Indices, call.Counts) = (null, null, null);
        int dims = (int)logits.ndim;
        if (dims == 2)
        {
            return new(call.Weights(packed), indices, counts, call.Statistics ? call.Lse(packed) : null, call.Statistics ? call.Mean(packed) : null);
        }

        using (indices)
        using (var weights = call.Weights(packed))
        using (var lse = call.Statistics ? call.Lse(packed) : null)
        {
            long[] tokens = logits.shape[..^1], kept = [.. tokens, call.Shape.Kept];
            return new(weights.reshape(kept), indices.reshape(kept), counts, lse?.reshape(tokens), call.Statistics ? call.Mean(packed) : null);
        }
    }

    /// <summary>The bias as a kernel reads it: contiguous, of the computing type.</summary>
    private static Tensor Read(Tensor bias, Tensor logits)
    {
        using var plain = bias.detach();
        using var wide = plain.to_type(Dtype.ArithmeticOf(logits.dtype));
        return wide.device_type == DeviceType.CPU ? Memory.FreshCopy(wide) : wide.alias();
    }
}
