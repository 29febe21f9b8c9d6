using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Softmax over the k largest logits, from libtorch's operators.</summary>
internal static class RoutingTopK
{
    /// <summary>The weights are those of <paramref name="choosing"/> (which may be noisy); lse and probabilities those of the logits. The caller's scope takes all.</summary>
    internal static RoutingOutputs Kept(Tensor logits, Tensor choosing, long k, ReadOnlySpan<long> tokens)
    {
        var (top, indices) = RoutingMath.Top(choosing, k);
        var weights = nn.functional.two_pass_softmax(top, 1);
        var p = nn.functional.two_pass_softmax(logits, 1);
        var lse = nn.functional.two_pass_logsumexp(logits, 1);
        return RoutingSlots.Outputs(weights, indices, lse, RoutingSlots.CountsOf(indices, logits.size(1)), p, tokens);
    }
}
