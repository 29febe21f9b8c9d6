using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The per-token results of a head, as <see cref="CutCrossEntropyFound.FromState"/>; saves its inputs and computes the logits again in backward, but for what it saved of them for a filter.</summary>
internal sealed class CutCrossEntropyFunction : KernelFunction<CutCrossEntropyFunction, CutCrossEntropyCall>
{
    internal static Tensor Apply(CutCrossEntropyCall call, params ReadOnlySpan<Tensor> tensors) => Run(call, tensors);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, CutCrossEntropyCall options, List<Tensor>? saved)
    {
        using (var tensors = new CutCrossEntropyTensors(inputs.ToArray(), options))
        {
            CutCrossEntropyPasses.Forward(tensors, options, differentiated: saved is not null, ofBias: options.HasBias && inputs[options.Bias].requires_grad);
        }

        saved?.AddRange(inputs);
        return CutCrossEntropyFound.FromState(options);
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, CutCrossEntropyCall options, Gradients gradients)
    {
        if (is_grad_enabled())
        {
            CutCrossEntropyComposed.Gradients(gradient, saved, options, gradients, found => found.Results());
            return;
        }

        using var tensors = new CutCrossEntropyTensors([.. saved], options);
        var computed = new CutCrossEntropyGradientTensors(tensors, options, Wanted(options, gradients));
        CutCrossEntropyPasses.Backward(tensors, options, Upstream(gradient, options), computed);
        Give(computed, options, gradients);
    }

    /// <summary>Of which of the call's tensors gradients are asked for; class weights and probabilities have none here.</summary>
    internal static bool[] Wanted(CutCrossEntropyCall call, Gradients gradients)
    {
        var wanted = new bool[call.Tensors];
        for (int i = 0; i < wanted.Length; i++)
        {
            wanted[i] = gradients.Wants(i);
        }

        return wanted;
    }

    /// <summary>What nobody asked for is null, and stays a zero gradient.</summary>
    internal static void Give(CutCrossEntropyGradientTensors computed, CutCrossEntropyCall call, Gradients gradients)
    {
        gradients[CutCrossEntropyCall.Input] = computed.Input;
        gradients[CutCrossEntropyCall.Weight] = computed.Weight;
        if (call.HasBias)
        {
            gradients[call.Bias] = computed.Bias;
        }
    }

    private static CutCrossEntropyUpstream[] Upstream(Tensor gradient, CutCrossEntropyCall call)
    {
        using var wide = gradient.to_type(ScalarType.Float64);
        using var flat = wide.contiguous();
        double[] values = Memory.ToArray<double>(flat);
        var upstream = new CutCrossEntropyUpstream[call.Rows.Count];
        for (int i = 0; i < upstream.Length; i++)
        {
            int place = (int)call.Rows.Places[i], tokens = (int)call.Rows.Tokens;
            upstream[i] = new(values[place], values[tokens + place], call.WantsEntropy ? values[(2 * tokens) + place] : 0);
        }

        return upstream;
    }
}
