using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules
{
    /// <summary>A router with a top-k gate: a linear layer from features to experts, and <c>torch.nn.functional.topk_gate</c> of its logits.</summary>
    /// <remarks>
    /// Its parameters are linear.weight, [E, in_features], and linear.bias where asked for. Mode Sigmoid has the buffer expert_bias, [E] in Float32, which takes part in the choice
    /// alone: <see cref="update_bias"/> moves it after each step. Whatever the dtype of input and parameters, routing is in Float32, or in Float64 where either of them is.
    /// </remarks>
    public sealed class TopKGate : nn.Module<Tensor, RoutingOutputs>
    {
        [ComponentName(Name = nameof(expert_bias))]
        private Tensor? _expert_bias;

        internal TopKGate(
            Linear linear, long k, TopKGateMode mode, double jitter, long num_groups, long topk_groups, double scale, double bias_update_rate, bool statistics, bool trainable)
            : base(nameof(TopKGate))
        {
            (this.linear, this.k, this.mode, this.jitter, this.num_groups) = (linear, k, mode, jitter, num_groups);
            (this.topk_groups, this.scale, this.bias_update_rate, this.statistics, this.trainable) = (topk_groups, scale, bias_update_rate, statistics, trainable);
            register_module(nameof(linear), linear);
            if (mode == TopKGateMode.Sigmoid)
            {
                expert_bias = zeros([linear.weight.size(0)], ScalarType.Float32, linear.weight.device);
            }

            foreach (var parameter in linear.parameters())
            {
                parameter.requires_grad = trainable;
            }
        }

        /// <summary>From features to logits, initialised as every linear layer.</summary>
        [field: ComponentName(Name = nameof(linear))]
        public Linear linear { get; }

        /// <summary>How many experts a token keeps.</summary>
        public long k { get; }

        /// <summary>What weights are made of.</summary>
        public TopKGateMode mode { get; }

        /// <summary>In training the router, and nothing else, sees the input times random numbers from 1 - jitter to 1 + jitter.</summary>
        public double jitter { get; }

        /// <summary>Sigmoid: of how many groups the experts are.</summary>
        public long num_groups { get; }

        /// <summary>Sigmoid: of how many groups a token keeps experts.</summary>
        public long topk_groups { get; }

        /// <summary>Sigmoid: what weights sum to.</summary>
        public double scale { get; }

        /// <summary>Sigmoid: how far <see cref="update_bias"/> moves an expert's bias.</summary>
        public double bias_update_rate { get; }

        /// <summary>Whether outputs have log-sum-exp and mean probability.</summary>
        public bool statistics { get; }

        /// <summary>Whether the parameters require grad.</summary>
        public bool trainable { get; }

        /// <summary>Sigmoid: what is added to an expert's score for the choice; else null.</summary>
        public Tensor? expert_bias
        {
            get => _expert_bias;
            private set
            {
                _expert_bias = value?.DetachFromDisposeScope();
                ConditionallyRegisterBuffer(nameof(expert_bias), _expert_bias);
            }
        }

        /// <summary>The gate of the input's tokens.</summary>
        /// <param name="input">[..., in_features]; experts are to see it as it is.</param>
        /// <returns>Weights, indices, counts and statistics; to be disposed, or by its tensors' scope.</returns>
        /// <exception cref="ArgumentException">The input is disposed, no floating numbers, or of another width.</exception>
        public override RoutingOutputs forward(Tensor input)
        {
            using var scope = NewDisposeScope(); // also for what older TorchSharp makes anew each time: a layer's weight
            TopKGateArguments.Input(input, linear.weight.size(1));
            var seen = Jittered(input.to_type(RoutingMath.Common(input, linear.weight)));
            var logits = RoutingMath.Linear(seen, linear.weight, linear.bias);
            var outputs = nn.functional.topk_gate(logits, k, mode, expert_bias, num_groups, topk_groups, scale, statistics);
            outputs.MoveToOuterDisposeScope();
            return outputs;
        }

        /// <summary>After a step of training in mode Sigmoid: the bias of experts with less than the mean load goes up by <see cref="bias_update_rate"/>, of those with more down.</summary>
        /// <param name="counts">[E]: <see cref="RoutingOutputs.counts"/> of the step, or their sum over its batches.</param>
        /// <exception cref="InvalidOperationException">The mode is another one, or the module has been cast to 16 bits, in which steps would be lost.</exception>
        /// <exception cref="ArgumentException">The counts are disposed, or of another shape or device.</exception>
        public void update_bias(Tensor counts)
        {
            if (expert_bias is not { } bias)
            {
                throw new InvalidOperationException($"'{nameof(mode)}' is {mode}; Sigmoid is required, which has a bias to update.");
            }

            Check.Alive(counts, nameof(counts));
            Check.Shape(counts, bias, nameof(counts));
            Check.Device(counts, bias, nameof(counts), nameof(expert_bias));
            if (bias.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            {
                throw new InvalidOperationException(
                    $"'{nameof(expert_bias)}' has dtype {bias.dtype}; Float32 or Float64 is required, in which small steps are not lost.");
            }

            using var noGrad = no_grad();
            using var load = counts.to_type(ScalarType.Float64);
            using var mean = load.mean();
            using var lack = mean.sub(load);
            using var sign = lack.sign();
            using var rate = Scalars.Tensor(bias_update_rate, ScalarType.Float64, bias.device);
            using var step = sign.mul(rate);
            using var typed = step.to_type(bias.dtype);
            Memory.Discard(bias, bias.add_(typed, Scalars.One));
        }

        private Tensor Jittered(Tensor x)
        {
            if (!training || jitter == 0)
            {
                return x.alias();
            }

            using var plain = x.detach();
            using var noise = empty_like(plain);
            Memory.Discard(noise, noise.uniform_(1 - jitter, 1 + jitter));
            return x.mul(noise);
        }
    }
}

namespace TorchSharpSoftmax
{
    public static partial class Operators
    {
        extension(nn)
        {
            /// <summary>A router: a linear layer and a top-k gate, as <c>topk_gate</c>.</summary>
            /// <param name="in_features">The input's last dim.</param>
            /// <param name="num_experts">E.</param>
            /// <param name="k">How many experts a token keeps. With 1 the modes that make weights sum to 1 have no gradient, and are refused unless <paramref name="trainable"/> is false.</param>
            /// <param name="mode">What weights are made of.</param>
            /// <param name="bias">Whether the linear layer has a bias.</param>
            /// <param name="jitter">From 0 to less than 1: how much the router's input is disturbed in training.</param>
            /// <param name="num_groups">Sigmoid only: neighbouring experts form so many groups of one size.</param>
            /// <param name="topk_groups">Sigmoid only: a token keeps experts of so many groups.</param>
            /// <param name="scale">Sigmoid only: what weights sum to.</param>
            /// <param name="bias_update_rate">Sigmoid only: how far <c>update_bias</c> moves an expert's bias.</param>
            /// <param name="statistics">Whether log-sum-exp and mean probability are wanted.</param>
            /// <param name="trainable">Whether the parameters require grad.</param>
            /// <param name="device">Of the parameters.</param>
            /// <param name="dtype">Of the parameters.</param>
            /// <exception cref="ArgumentException">Arguments do not go together, weights would have no gradient, or <paramref name="dtype"/> is not floating.</exception>
            /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
            public static Modules.TopKGate TopKGate(
                long in_features, long num_experts, long k, TopKGateMode mode = TopKGateMode.KeptSoftmax, bool bias = false, double jitter = 0, long num_groups = 1,
                long topk_groups = 1, double scale = 1, double bias_update_rate = 1e-3, bool statistics = true, bool trainable = true, Device? device = null,
                ScalarType? dtype = null)
            {
                Check.OfParameters(dtype);
                TopKGateArguments.Module(in_features, num_experts, k, mode, jitter, bias_update_rate, trainable);
                _ = TopKGateArguments.Rule(num_experts, k, mode, num_groups, topk_groups, scale);
                return new(
                    nn.Linear(in_features, num_experts, bias, device, dtype), k, mode, jitter, num_groups, topk_groups, scale, bias_update_rate, statistics, trainable);
            }
        }
    }
}
