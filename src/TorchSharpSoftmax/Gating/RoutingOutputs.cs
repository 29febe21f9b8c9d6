using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What a gate says: which experts each token goes to, with which weights, and what balance and stability losses need. Disposing it disposes all tensors.</summary>
/// <remarks>
/// Any module from a tensor to this is a gate for <c>torch.nn.MoE</c>. Weights are of Float32, or Float64 for Float64: routing is never done in 16 bits.
/// </remarks>
/// <param name="weights">See <see cref="weights"/>.</param>
/// <param name="indices">See <see cref="indices"/>.</param>
/// <param name="lse">See <see cref="lse"/>.</param>
/// <param name="counts">See <see cref="counts"/>.</param>
/// <param name="mean_probability">See <see cref="mean_probability"/>.</param>
/// <param name="probabilities">See <see cref="probabilities"/>.</param>
public class RoutingOutputs(
    Tensor weights, Tensor indices, Tensor lse, Tensor counts, Tensor mean_probability, Tensor? probabilities = null) : IDisposable
{
    /// <summary>The weight of each choice, [..., k]; 0 where a slot is not used. Differentiable.</summary>
    public Tensor weights { get; } = weights;

    /// <summary>The expert of each choice, [..., k] (Int64); -1 where a slot is not used.</summary>
    public Tensor indices { get; } = indices;

    /// <summary><c>log(sum(exp(logits)))</c> of each token, [...]: what <c>router_z_loss_from_lse</c> takes. Differentiable. Null of a top-k gate without statistics.</summary>
    public Tensor lse { get; } = lse;

    /// <summary>How many tokens chose each expert, [E] (Int64).</summary>
    public Tensor counts { get; } = counts;

    /// <summary>The mean over the tokens of each expert's probability, [E]: beside the counts what <c>load_balance_loss_from_counts</c> takes. Differentiable. Null of a
    /// top-k gate without statistics.</summary>
    public Tensor mean_probability { get; } = mean_probability;

    /// <summary>The probabilities of all experts, [..., E], where the gate has made them; else null. Differentiable.</summary>
    public Tensor? probabilities { get; } = probabilities;

    /// <summary>All tensors there are.</summary>
    private protected virtual IEnumerable<Tensor?> Tensors => [weights, indices, lse, counts, mean_probability, probabilities];

    /// <summary>Disposes all tensors.</summary>
    public void Dispose()
    {
        foreach (var tensor in Tensors)
        {
            tensor?.Dispose();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Hands all tensors to the dispose scope around the current one.</summary>
    internal void MoveToOuterDisposeScope()
    {
        foreach (var tensor in Tensors)
        {
            tensor?.MoveToOuterDisposeScope();
        }
    }
}
