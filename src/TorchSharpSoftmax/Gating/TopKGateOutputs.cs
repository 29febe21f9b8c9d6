using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What a top-k gate gives. Disposing it disposes all tensors.</summary>
/// <remarks>
/// Weights, <see cref="lse"/> and <see cref="mean_probability"/> are Float64 for Float64 logits, else Float32, and differentiable by the logits; indices and counts are outside
/// the graph.
/// </remarks>
public sealed class TopKGateOutputs : IDisposable
{
    internal TopKGateOutputs(Tensor weights, Tensor indices, Tensor counts, Tensor? lse, Tensor? mean_probability) =>
        (this.weights, this.indices, this.counts, this.lse, this.mean_probability) = (weights, indices, counts, lse, mean_probability);

    /// <summary>[..., k]: the weights of the kept experts, the best first.</summary>
    public Tensor weights { get; }

    /// <summary>[..., k], Int64: which experts they are, k different ones.</summary>
    public Tensor indices { get; }

    /// <summary>[E], Int64: of how many tokens each expert is kept.</summary>
    public Tensor counts { get; }

    /// <summary>[...]: log(sum(exp(logits))) of each token, for a router z-loss; null without statistics.</summary>
    public Tensor? lse { get; }

    /// <summary>[E]: the mean over tokens of softmax(logits), or in Sigmoid mode of each score's share of the token's scores; null without statistics.</summary>
    public Tensor? mean_probability { get; }

    /// <summary>Disposes all tensors.</summary>
    public void Dispose()
    {
        weights.Dispose();
        indices.Dispose();
        counts.Dispose();
        lse?.Dispose();
        mean_probability?.Dispose();
    }
}
