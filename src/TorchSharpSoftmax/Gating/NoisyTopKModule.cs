using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules
{
    /// <summary>The noisy top-k gate with its two linear maps. See <c>torch.nn.functional.noisy_top_k_gate</c>.</summary>
    /// <remarks>Its state: linear.weight and noise.weight, [E, in_features].</remarks>
    public sealed class NoisyTopKGate : nn.Module<Tensor, RoutingOutputs>
    {
        /// <summary>Keeps the standard deviation above 0.</summary>
        internal const double LeastDeviation = 1e-2;

        internal NoisyTopKGate(Linear linear, Linear noise, long k) : base(nameof(NoisyTopKGate))
        {
            (this.linear, this.noise, this.k) = (linear, noise, k);
            register_module(nameof(linear), linear);
            register_module(nameof(noise), noise);
        }

        /// <summary>The map from tokens to logits.</summary>
        [field: ComponentName(Name = nameof(linear))]
        public Linear linear { get; }

        /// <summary>The map whose softplus, plus 0.01, is the noise's standard deviation.</summary>
        [field: ComponentName(Name = nameof(noise))]
        public Linear noise { get; }

        /// <summary>How many experts a token gets.</summary>
        public long k { get; }

        /// <summary>The choice of each token, a <see cref="NoisyTopKOutputs"/>: <see cref="route"/>.</summary>
        /// <param name="input">Tokens, [..., in_features].</param>
        public override RoutingOutputs forward(Tensor input) => route(input);

        /// <summary>The choice of each token, with noise in training only, computed in float32 or better.</summary>
        /// <param name="input">Tokens, [..., in_features].</param>
        public NoisyTopKOutputs route(Tensor input)
        {
            using var scope = NewDisposeScope(); // also for what older TorchSharp makes anew each time: a layer's weight
            RoutingArguments.Input(input, linear.weight.size(1));
            var logits = RoutingMath.Linear(input, linear.weight, null);
            var deviation = training
                ? DenseToSparseActivation.Softplus.Of(RoutingMath.Linear(input, noise.weight, null)).add(RoutingMath.Number(LeastDeviation, logits.dtype), Scalars.One)
                : null;
            var outputs = nn.functional.noisy_top_k_gate(logits, deviation, k);
            outputs.MoveToOuterDisposeScope();
            return outputs;
        }
    }
}

namespace TorchSharpSoftmax
{
    public static partial class Operators
    {
        extension(nn)
        {
            /// <summary>
            /// The noisy top-k gate: softmax over the k largest of <c>x W^T + eps * (softplus(x V^T) + 0.01)</c>, the noise eps being there in training only.
            /// </summary>
            /// <remarks>
            /// <para>Both maps start at 0, as in the paper: at first the noise alone chooses, and all experts get the same share.</para>
            /// <para>With k = 1 the weight is 1 whatever the logits are, so the task cannot train the gate; that is refused unless the gate is not to be trained.</para>
            /// <para>After "Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts Layer" (Shazeer et al.).</para>
            /// </remarks>
            /// <param name="in_features">The tokens' size.</param>
            /// <param name="num_experts">E.</param>
            /// <param name="k">How many experts a token gets, 1 to E.</param>
            /// <param name="trainable">Whether the parameters require grad.</param>
            /// <param name="device">Of the parameters.</param>
            /// <param name="dtype">Of the parameters.</param>
            /// <exception cref="ArgumentException"><paramref name="dtype"/> is not floating.</exception>
            /// <exception cref="ArgumentOutOfRangeException">A number is outside its range, or <paramref name="k"/> is 1 and the gate to be trained.</exception>
            public static Modules.NoisyTopKGate NoisyTopKGate(
                long in_features, long num_experts, long k = 2, bool trainable = true, Device? device = null, ScalarType? dtype = null)
            {
                Check.OfParameters(dtype);
                RoutingArguments.AtLeastOne(in_features, nameof(in_features));
                RoutingArguments.AtLeastOne(num_experts, nameof(num_experts));
                RoutingArguments.Choices(k, num_experts);
                if (k == 1 && trainable)
                {
                    throw new ArgumentOutOfRangeException(
                        nameof(k),
                        $"'{nameof(k)}' is 1, whose weight is 1 and whose gradient is 0; 2 or more is required for a gate that trains, or '{nameof(trainable)}' of false.");
                }

                return new(Zeros(in_features, num_experts, trainable, device, dtype), Zeros(in_features, num_experts, trainable, device, dtype), k);
            }
        }

        private static Linear Zeros(long in_features, long num_experts, bool trainable, Device? device, ScalarType? dtype)
        {
            var linear = nn.Linear(in_features, num_experts, hasBias: false, device, dtype);
            nn.init.zeros_(linear.weight);
            linear.weight.requires_grad = trainable;
            return linear;
        }
    }
}
