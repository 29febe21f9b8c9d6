using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary>Expert choice: of <c>p = softmax(logits)</c> over the experts, each expert takes the tokens that have most of it, the same number for all.</summary>
        /// <remarks>
        /// <para>Balanced as it is, without a loss: every expert has <paramref name="capacity"/> tokens. A token may have any number of experts, none among them. Weights are p as
        /// it is; its gradient is the softmax's.</para>
        /// <para>Which tokens an expert takes depends on all others, later ones too: a model that generates text token by token does not see the choice it was trained with.</para>
        /// <para>Of equal tokens an expert takes those with the lowest index. A token with NaN goes to every expert, and takes a place there. Float32, or Float64 for Float64.</para>
        /// <para>After "Mixture-of-Experts with Expert Choice Routing" (Zhou et al.).</para>
        /// </remarks>
        /// <param name="logits">[..., E], of a floating dtype.</param>
        /// <param name="capacity">How many tokens an expert takes, 1 or more; all where there are fewer.</param>
        /// <returns>Weights and indices, [..., k] with k the most experts of any token, the likeliest first; and each expert's tokens.</returns>
        /// <exception cref="ArgumentException">The logits are disposed, sparse, not floating, or have no experts.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The capacity is less than 1.</exception>
        public static ExpertChoiceOutputs expert_choice_gate(Tensor logits, long capacity)
        {
            long experts = RoutingArguments.Scores(logits, nameof(logits));
            RoutingArguments.AtLeastOne(capacity, nameof(capacity));
            using var scope = NewDisposeScope();
            var z = RoutingMath.Wide(logits).reshape(-1, experts);
            var p = nn.functional.two_pass_softmax(z, 1);
            long rows = z.size(0), taken = Math.Min(capacity, rows);
            var tokens = rows == 0
                ? zeros([experts, 0], ScalarType.Int64, z.device)
                : RoutingMath.Top(p.detach().transpose(0, 1), taken).Indices.clone();
            var kept = zeros([experts, rows], ScalarType.Bool, z.device).scatter(1, tokens, ones([experts, taken], ScalarType.Bool, z.device)).transpose(0, 1);
            var outputs = new ExpertChoiceOutputs(RoutingSlots.Kept(p, kept, nn.functional.two_pass_logsumexp(z, 1), logits.shape.AsSpan(..^1)), tokens);
            outputs.MoveToOuterDisposeScope();
            return outputs;
        }
    }
}
