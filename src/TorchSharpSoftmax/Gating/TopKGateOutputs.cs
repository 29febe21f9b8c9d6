using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What a top-k gate gives. Disposing it disposes all tensors.</summary>
/// <remarks>
/// Weights, <see cref="lse"/> and <see cref="mean_probability"/> are Float64 for Float64 logits, else Float32, and differentiable by the logits; indices and counts are outside
/// the graph.
/// </remarks>
public sealed class TopKGateOutputs : RoutingOutputs
{
    internal TopKGateOutputs(Tensor weights, Tensor indices, Tensor counts, Tensor? lse, Tensor? mean_probability)
        : base(weights, indices, lse!, counts, mean_probability!)
    {
    }

    /// <summary>[...]: log(sum(exp(logits))) of each token, for a router z-loss; null without statistics.</summary>
    public new Tensor? lse => base.lse;

    /// <summary>[E]: the mean over tokens of softmax(logits), or in Sigmoid mode of each score's share of the token's scores; null without statistics.</summary>
    public new Tensor? mean_probability => base.mean_probability;
}
