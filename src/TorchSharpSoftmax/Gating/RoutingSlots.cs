using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>From the probabilities [T, E] of all tokens and the choice among them to slots [T, k], and from there to what a gate gives. The caller's scope takes all.</summary>
internal static class RoutingSlots
{
    /// <summary>All experts for every token.</summary>
    internal static RoutingOutputs All(Tensor p, Tensor lse, ReadOnlySpan<long> tokens)
    {
        long rows = p.size(0), experts = p.size(1);
        var indices = tensor([.. RoutingMath.Range(experts)], ScalarType.Int64, p.device).expand(rows, experts);
        var counts = Scalars.Tensor(rows, ScalarType.Int64, p.device).expand(experts).clone();
        return Outputs(p.alias(), indices, lse, counts, p, tokens);
    }

    /// <summary>The k likeliest experts, each with its probability as it is.</summary>
    internal static RoutingOutputs Top(Tensor p, long k, Tensor lse, ReadOnlySpan<long> tokens)
    {
        var (weights, indices) = RoutingMath.Top(p, k);
        return Outputs(weights, indices, lse, CountsOf(indices, p.size(1)), p, tokens);
    }

    /// <summary>The experts that are kept, the likeliest first; as many slots as the token with the most of them needs.</summary>
    internal static RoutingOutputs Kept(Tensor p, Tensor kept, Tensor lse, ReadOnlySpan<long> tokens)
    {
        using var most = p.size(0) == 0 ? Scalars.Tensor(0L, ScalarType.Int64) : kept.sum(1).max();
        long slots = Math.Max(1, most.cpu().item<long>());
        var order = where(kept, p.detach(), RoutingMath.Number(-1, p.dtype)); // below every probability, and NaN above
        var (_, indices) = RoutingMath.Top(order, slots);
        var isUsed = kept.gather(1, indices);
        var chosen = p.gather(1, indices);
        var weights = where(isUsed, chosen, zeros_like(chosen));
        var named = where(isUsed, indices, Scalars.Tensor(-1L, ScalarType.Int64, indices.device));
        return Outputs(weights, named, lse, kept.sum(0L), p, tokens);
    }

    internal static RoutingOutputs Outputs(Tensor weights, Tensor indices, Tensor lse, Tensor counts, Tensor p, ReadOnlySpan<long> tokens)
    {
        var rows = RoutingMath.Number(Math.Max(p.size(0), 1), p.dtype);
        return new(
            Shaped(weights, tokens, weights.size(1)), Shaped(indices, tokens, indices.size(1)), lse.reshape([.. tokens]), counts, p.sum(0L).div(rows), Shaped(p, tokens, p.size(1)));
    }

    /// <summary>How many slots name each expert, [E] (Int64).</summary>
    internal static Tensor CountsOf(Tensor indices, long experts) =>
        RoutingMath.Counts(indices.reshape(1, -1), experts, weights: null, nameof(indices)).reshape(experts).to_type(ScalarType.Int64);

    private static Tensor Shaped(Tensor x, ReadOnlySpan<long> tokens, long last) => x.reshape([.. tokens, last]);
}
