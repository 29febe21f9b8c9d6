using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Softmax over the k largest logits.</summary>
internal static class RoutingTopK
{
    /// <summary>
    /// The choice and the weights are the top-k gate's of <paramref name="choosing"/> (which may be noisy); lse and probabilities are those of the logits. The caller's scope takes all.
    /// </summary>
    internal static RoutingOutputs Kept(Tensor logits, Tensor choosing, long k, ReadOnlySpan<long> tokens)
    {
        var gate = TopKGates.Of(choosing, k, TopKGateMode.KeptSoftmax, bias: null, num_groups: 1, topk_groups: 1, scale: 1, statistics: false);
        var p = nn.functional.two_pass_softmax(logits, 1);
        var lse = nn.functional.two_pass_logsumexp(logits, 1);
        return RoutingSlots.Outputs(gate.weights, gate.indices, lse, gate.counts, p, tokens);
    }
}
