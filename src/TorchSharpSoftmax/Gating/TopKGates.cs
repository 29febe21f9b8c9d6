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
        var read = bias is null ? null : Read(bias, logits);
        try
        {
            var call = new TopKGateCall(shape, rule, read, statistics);
            return Dtype.HasKernel(logits) ? ByKernel(logits, call) : Composed(logits, call);
        }
        finally
        {
            if (!ReferenceEquals(read, bias))
            {
                read?.Dispose();
            }
        }
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
        bool isFlat = logits.ndim == 2;
        long[] tokens = isFlat ? [call.Shape.Tokens] : logits.shape[..^1], kept = [.. tokens, call.Shape.Kept];
        Tensor indices = empty(kept, ScalarType.Int64, CPU), counts = empty([call.Shape.Experts], ScalarType.Int64, CPU);
        call.Counts = counts;
        var packed = TopKGateFunction.Apply(logits, indices, call);
        (call.Bias, call.Counts) = (null, null);
        if (!call.Statistics)
        {
            return new(packed, indices, counts, null, null);
        }

        using (packed)
        {
            var (weights, lse, mean) = call.Parts(packed);
            return new(Shaped(weights, kept), indices, counts, isFlat ? lse : Shaped(lse, tokens), mean);
        }
    }

    private static Tensor Shaped(Tensor x, long[] shape)
    {
        using (x)
        {
            return x.reshape(shape);
        }
    }

    /// <summary>The bias as a kernel reads it: contiguous, of the computing type; itself where it is that.</summary>
    private static Tensor Read(Tensor bias, Tensor logits)
    {
        var arithmetic = Dtype.ArithmeticOf(logits.dtype);
        if (bias.dtype == arithmetic && bias.device_type == DeviceType.CPU && Memory.IsDirect(bias))
        {
            return bias;
        }

        using var plain = bias.detach();
        using var wide = plain.to_type(arithmetic);
        return wide.device_type == DeviceType.CPU ? Memory.FreshCopy(wide) : wide.alias();
    }
}
