using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary>
        /// The noisy top-k gate: softmax over the k largest of <c>h = logits + eps * noise_stddev</c>, eps being drawn from the normal distribution for each of them.
        /// </summary>
        /// <remarks>
        /// <para>The gradient flows through h into logits and standard deviations, at the chosen experts only. With k = 1 the weight is 1 and that gradient 0: only the load loss
        /// reaches the logits then. The choice is <c>topk_gate</c>'s: of equal ones the experts with the lowest index, NaN as if it were -inf, which makes all of its token's weights
        /// NaN.</para>
        /// <para>Float32, or Float64 for Float64. Without standard deviations there is no noise, as in evaluation.</para>
        /// <para>After "Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts Layer" (Shazeer et al.).</para>
        /// </remarks>
        /// <param name="logits">[..., E], of a floating dtype.</param>
        /// <param name="noise_stddev">Of the same shape and dtype, above 0; or null.</param>
        /// <param name="k">1 to E.</param>
        /// <returns>Weights and indices, [..., k], the largest first, and what the losses need.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, sparse, or of a dtype, shape or device that does not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="k"/> is not 1 to E.</exception>
        public static NoisyTopKOutputs noisy_top_k_gate(Tensor logits, Tensor? noise_stddev, long k)
        {
            long experts = RoutingArguments.Scores(logits, nameof(logits));
            RoutingArguments.Choices(k, experts);
            if (noise_stddev is not null)
            {
                RoutingArguments.Alike(noise_stddev, logits, nameof(noise_stddev));
            }

            using var scope = NewDisposeScope();
            var z = RoutingMath.Wide(logits).alias();
            var s = noise_stddev is null ? null : RoutingMath.Wide(noise_stddev).alias();
            var h = s is null ? null : z.add(s.mul(randn_like(s.detach())), Scalars.One);
            var routing = RoutingTopK.Kept(z.reshape(-1, experts), (h ?? z).reshape(-1, experts), k, logits.shape.AsSpan(..^1));
            var outputs = new NoisyTopKOutputs(routing, z, h, s, k);
            outputs.MoveToOuterDisposeScope();
            return outputs;
        }
    }
}
