using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules
{
    /// <summary>A linear map with expert choice. See <c>torch.nn.functional.expert_choice_gate</c>.</summary>
    /// <remarks>Its state: linear.weight, [E, in_features].</remarks>
    public sealed class ExpertChoiceGate : nn.Module<Tensor, RoutingOutputs>
    {
        internal ExpertChoiceGate(Linear linear, double capacity_factor) : base(nameof(ExpertChoiceGate))
        {
            (this.linear, this.capacity_factor) = (linear, capacity_factor);
            register_module(nameof(linear), linear);
        }

        /// <summary>The map from tokens to logits.</summary>
        [field: ComponentName(Name = nameof(linear))]
        public Linear linear { get; }

        /// <summary>How many experts a token has on the average.</summary>
        public double capacity_factor { get; }

        /// <summary>The choice of each expert, an <see cref="ExpertChoiceOutputs"/>; each takes <c>ceil(capacity_factor * T / E)</c> of the T tokens, at most all.</summary>
        /// <param name="input">Tokens, [..., in_features].</param>
        public override RoutingOutputs forward(Tensor input)
        {
            using var scope = NewDisposeScope(); // also for what older TorchSharp makes anew each time: a layer's weight
            RoutingArguments.Input(input, linear.weight.size(1));
            var logits = RoutingMath.Linear(input, linear.weight, null);
            var outputs = nn.functional.expert_choice_gate(
                logits, ExpertPermutation.Capacity(capacity_factor, logits.numel() / linear.weight.size(0), linear.weight.size(0)));
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
            /// <summary>A gate whose experts choose their tokens, as <c>expert_choice_gate</c>: balanced by construction, and not for models that generate token by token.</summary>
            /// <remarks>After "Mixture-of-Experts with Expert Choice Routing" (Zhou et al.).</remarks>
            /// <param name="in_features">The tokens' size.</param>
            /// <param name="num_experts">E.</param>
            /// <param name="capacity_factor">How many experts a token has on the average, above 0.</param>
            /// <param name="device">Of the parameters.</param>
            /// <param name="dtype">Of the parameters.</param>
            /// <exception cref="ArgumentException"><paramref name="dtype"/> is not floating.</exception>
            /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
            public static Modules.ExpertChoiceGate ExpertChoiceGate(
                long in_features, long num_experts, double capacity_factor = 2, Device? device = null, ScalarType? dtype = null)
            {
                Check.OfParameters(dtype);
                RoutingArguments.AtLeastOne(in_features, nameof(in_features));
                RoutingArguments.AtLeastOne(num_experts, nameof(num_experts));
                RoutingArguments.Positive(capacity_factor, nameof(capacity_factor));
                return new(nn.Linear(in_features, num_experts, hasBias: false, device, dtype), capacity_factor);
            }
        }
    }
}
