using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What an expert-choice gate says, by token as every gate does, and by expert.</summary>
public sealed class ExpertChoiceOutputs : RoutingOutputs
{
    internal ExpertChoiceOutputs(RoutingOutputs routing, Tensor tokens)
        : base(routing.weights, routing.indices, routing.lse, routing.counts, routing.mean_probability, routing.probabilities) => this.tokens = tokens;

    /// <summary>The tokens that each expert took, [E, capacity] (Int64), the likeliest first; numbers count the tokens through all their dims.</summary>
    public Tensor tokens { get; }

    private protected override IEnumerable<Tensor?> Tensors => [.. base.Tensors, tokens];
}
