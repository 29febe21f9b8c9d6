using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules
{
    /// <summary>A mixture of experts: a gate chooses for each token, and each expert sees its own tokens only. See <c>torch.nn.MoE</c>.</summary>
    /// <remarks>Its state: that of gate, and of experts.0, experts.1 and so on.</remarks>
    public sealed class MoE : nn.Module<Tensor, Tensor>
    {
        internal MoE(nn.Module<Tensor, RoutingOutputs> gate, nn.Module<Tensor, Tensor>[] experts, double? capacity_factor) : base(nameof(MoE))
        {
            (this.gate, this.experts, this.capacity_factor) = (gate, new ModuleList<nn.Module<Tensor, Tensor>>(experts), capacity_factor);
            register_module(nameof(gate), gate);
            register_module(nameof(experts), this.experts);
        }

        /// <summary>The gate.</summary>
        [field: ComponentName(Name = nameof(gate))]
        public nn.Module<Tensor, RoutingOutputs> gate { get; }

        /// <summary>The experts.</summary>
        [field: ComponentName(Name = nameof(experts))]
        public ModuleList<nn.Module<Tensor, Tensor>> experts { get; }

        /// <summary>An expert takes <c>ceil(capacity_factor * k * T / E)</c> rows at most; null for no limit.</summary>
        public double? capacity_factor { get; }

        /// <summary>The share of assignments that the last forward pass dropped.</summary>
        public double drop_rate { get; private set; }

        /// <summary>The output alone: <c>sum over the token's experts of weight * expert(token)</c>.</summary>
        /// <param name="input">Tokens, [..., D].</param>
        public override Tensor forward(Tensor input)
        {
            var outputs = route(input);
            outputs.routing.Dispose();
            return outputs.output;
        }

        /// <summary>The output with what the gate said, for losses that are added to the task's.</summary>
        /// <param name="input">Tokens, [..., D].</param>
        /// <exception cref="ArgumentException">The input has no tokens' dim; the gate gives nothing; an expert gives something else than a row per row.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The gate names an expert that there is not.</exception>
        public MoEOutputs route(Tensor input)
        {
            Check.Alive(input, nameof(input));
            if (input.ndim == 0)
            {
                throw new ArgumentException($"'{nameof(input)}' has shape []; [..., D] is required.", nameof(input));
            }

            using var scope = NewDisposeScope();
            var routing = gate.call(input) ?? throw Unfit(nameof(gate), $"'{nameof(gate)}' gives null; {nameof(RoutingOutputs)} is required.");
            long slots = routing.indices.numel();
            long? capacity = capacity_factor is { } factor ? ExpertPermutation.Capacity(factor, slots, experts.Count) : null;
            using var permutation = nn.functional.expert_permutation(routing.indices, experts.Count, capacity);
            var rows = Computed(permutation.permute(input), permutation.counts);
            var output = permutation.unpermute(rows, routing.weights).MoveToOuterDisposeScope();
            routing.MoveToOuterDisposeScope();
            drop_rate = permutation.drop_rate;
            return new(output, routing, permutation.counts, drop_rate);
        }

        /// <summary>Each expert's rows through it, in one tensor. Experts without rows are not called, but for the shape where there are no rows at all.</summary>
        private Tensor Computed(Tensor rows, IReadOnlyList<long> counts)
        {
            List<Tensor> parts = [];
            long start = 0;
            for (int expert = 0; expert < counts.Count; expert++)
            {
                bool isLast = expert == counts.Count - 1;
                if (counts[expert] > 0 || (isLast && parts.Count == 0))
                {
                    var part = experts[expert].call(rows.narrow(0, start, counts[expert]));
                    if (part is null || part.ndim != 2 || part.size(0) != counts[expert])
                    {
                        string gives = part is null ? "null" : $"shape {Check.Text(part.shape)}";
                        throw Unfit(nameof(experts), $"'{nameof(experts)}[{expert}]' gives {gives} for {counts[expert]} rows; [{counts[expert]}, D] is required.");
                    }

                    parts.Add(part);
                    start += counts[expert];
                }
            }

            return parts.Count == 1 ? parts[0] : cat(parts, 0);
        }

        private static ArgumentException Unfit(string argument, string message) => new(message, argument);
    }
}

namespace TorchSharpSoftmax
{
    public static partial class Operators
    {
        extension(nn)
        {
            /// <summary>A mixture of experts, in the place of a feed-forward block: <c>y = sum over the token's experts of weight * expert(x)</c>.</summary>
            /// <remarks>
            /// <para>Tokens are grouped by expert, each expert computes its own rows, [rows, D], and nothing else, and the sums come back in the tokens' order. Without a
            /// capacity no token is dropped; with one, an expert that is full turns later ones away, which then have no part from it. An expert without rows gets no gradient.</para>
            /// <para><c>call</c> gives the output alone; <c>route</c> gives beside it what losses of the gate are made of.</para>
            /// </remarks>
            /// <param name="gate">Any module from tokens to <see cref="RoutingOutputs"/>: the gates of this library, or one's own.</param>
            /// <param name="experts">The experts, modules from [rows, D] to [rows, D_out], in the order of the gate's indices.</param>
            /// <param name="capacity_factor">Rows per expert over the mean number of them, above 0; null for no limit.</param>
            /// <exception cref="ArgumentException">There is no expert, or one of them is null.</exception>
            /// <exception cref="ArgumentOutOfRangeException">The capacity factor is not above 0.</exception>
            public static Modules.MoE MoE(nn.Module<Tensor, RoutingOutputs> gate, IEnumerable<nn.Module<Tensor, Tensor>> experts, double? capacity_factor = null)
            {
                Check.NotNull(gate, nameof(gate), "a gate");
                Check.NotNull(experts, nameof(experts), "a sequence of modules");
                nn.Module<Tensor, Tensor>[] all = [.. experts];
                if (all.Length == 0)
                {
                    throw new ArgumentException($"'{nameof(experts)}' has no module; one or more is required.", nameof(experts));
                }

                for (int i = 0; i < all.Length; i++)
                {
                    Check.NotNull(all[i], $"{nameof(experts)}[{i}]", "a module");
                }

                if (capacity_factor is { } factor)
                {
                    RoutingArguments.Positive(factor, nameof(capacity_factor));
                }

                return new(gate, all, capacity_factor);
            }
        }
    }
}
