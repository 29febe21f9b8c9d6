using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>The load-balance loss beside that of one-hot vectors.</summary>
internal static class LoadBalance
{
    internal static readonly Table Table = new(
        "gating",
        "The load-balance loss, forward and backward to the logits. One-hot: softmax of all, one_hot of the chosen experts, which is tokens x k x experts large, and the means of both; the choice is "
        + "given. From a gate's counts: the time that load_balance_loss_from_counts adds to topk_gate, whose walk counts and sums already. load_balance_loss: of the same softmax and choice as one-hot. "
        + "With the gate: the choice and its weights too, on both sides.",
        OneHot, "one-hot, µs",
    [
        new Amount("from a gate's counts, µs", Added, "0", 1e3),
        new("from a gate's counts / one-hot", Added, OneHot, new("the load-balance loss from a gate's counts", "one_hot of the choice")),
        new("load_balance_loss / one-hot", FromIndices, OneHot, new("load_balance_loss", "one_hot of the choice")),
        new("with the gate: ours / composed", WithGate, OneHotWithGate, new("topk_gate with its load-balance loss", Headline.Composed)),
        new Amount("with the gate: ours, µs", WithGate, "0", 1e3),
    ], Cases: "tokens x experts", Measure: Measure, TimeFormat: "0");

    private const double Alpha = 1e-2;

    private const string OneHot = "one-hot", FromIndices = "from indices", Added = "added", WithGate = "with gate", OneHotWithGate = "one-hot with gate";

    private static readonly GateCase[] Cases = [new(4096, 64, 6), new(4096, 64, 8), new(4096, 256, 8), new(16384, 64, 8, MostRounds: 3), new(16384, 256, 8, MostRounds: 3)];

    private static IEnumerable<Measurement> Measure(int round, Func<ICase, bool> wanted) => Cases.Where(row => wanted(row)).SelectMany(row => Measure(row, round));

    private static IEnumerable<Measurement> Measure(GateCase row, int round)
    {
        GateTensors.WarmUp();
        using var tensors = new GateTensors(row);
        using Tensor plain = tensors.Next().detach();
        var (top, chosen) = plain.topk(row.Kept);
        top.Dispose();
        using (chosen)
        {
            return
            [
                .. Turns.Take(typeof(LoadBalance), row, round,
                [
                    new(OneHot, () => tensors.Differentiated(x => [OfOneHot(x.softmax(-1), chosen)])),
                    new(FromIndices, () => tensors.Differentiated(x => [functional.load_balance_loss(functional.two_pass_softmax(x, -1), chosen, Alpha)])),
                    new(WithGate, WithLoss),
                    new(OneHotWithGate, () => tensors.Differentiated(x =>
                    {
                        var (weights, indices) = x.topk(row.Kept);
                        return [weights.softmax(-1), OfOneHot(x.softmax(-1), indices)];
                    })),
                ]),
                Turns.Added(typeof(LoadBalance), row, round, Added, WithLoss, () => tensors.Differentiated(x =>
                    [functional.topk_gate(x, row.Kept, statistics: false).weights])),
            ];
        }

        void WithLoss() => tensors.Differentiated(x =>
        {
            TopKGateOutputs outputs = functional.topk_gate(x, row.Kept);
            return [outputs.weights, functional.load_balance_loss_from_counts(outputs.counts, outputs.mean_probability!, Alpha)];
        });
    }

    /// <summary>As models' code has it.</summary>
    private static Tensor OfOneHot(Tensor probabilities, Tensor indices)
    {
        long experts = probabilities.size(1), k = indices.size(1);
        Tensor share = functional.one_hot(indices, experts).to_type(ScalarType.Float32).mean([0L, 1L]);
        return share.mul(probabilities.mean([0L])).sum().mul(Alpha * experts);
    }
}

/// <summary>Tokens x experts, of which each token goes to some, with so many features.</summary>
internal sealed record PermutationCase(long Tokens, long Experts, int Kept, long Features) : GateCase(Tokens, Experts, Kept)
{
    private protected override string Text => string.Create(CultureInfo.InvariantCulture, $", {Features} features");
}

/// <summary>Tokens grouped by expert and back again.</summary>
internal static class Permutation
{
    internal static readonly Table Table = new(
        "gating",
        "expert_permutation, permute and unpermute with weights, forward and backward, beside argsort, index_select and index_add of the same choice. The sort alone: the plan beside argsort and bincount.",
        Composed, "composed, µs",
    [
        new Amount("ours, µs", Ours, "0", 1e3),
        new("ours / composed", Ours, Composed, new("expert_permutation, there and back, forward and backward", "argsort, index_select and index_add")),
        new Amount("the sort alone, µs", Sort, "0", 1e3),
        new("the sort alone: ours / argsort", Sort, ArgSort, new("expert_permutation, the sort alone", "argsort and bincount")),
    ], Cases: "tokens x experts", Measure: Measure, TimeFormat: "0");

    private const string Composed = "composed", Ours = "ours", Sort = "sort", ArgSort = "argsort";

    private static readonly PermutationCase[] Cases = [new(4096, 64, 8, 64), new(4096, 64, 8, 512)];

    private static IEnumerable<Measurement> Measure(int round, Func<ICase, bool> wanted) => Cases.Where(row => wanted(row)).SelectMany(row => Measure(row, round));

    private static IEnumerable<Measurement> Measure(PermutationCase row, int round)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var (values, indices) = randn(row.Tokens, row.Experts).topk(row.Kept);
        Tensor x = randn(row.Tokens, row.Features).requires_grad_(), dy = randn(row.Tokens, row.Features), weights = values.softmax(-1).detach().requires_grad_();
        void Full(Func<Tensor> forward)
        {
            using var inner = NewDisposeScope();
            _ = autograd.grad([forward()], [x, weights], [dy]);
        }

        return Turns.Take(typeof(Permutation), row, round,
        [
            new(Composed, () => Full(() =>
            {
                Tensor order = indices.reshape(-1).argsort(), tokens = order.div(row.Kept, RoundingMode.floor);
                Tensor rows = x.index_select(0, tokens).mul(weights.reshape(-1).index_select(0, order).unsqueeze(1));
                return zeros(row.Tokens, row.Features).index_add(0, tokens, rows, 1);
            })),
            new(Ours, () => Full(() =>
            {
                ExpertPermutation permutation = functional.expert_permutation(indices, row.Experts);
                Tensor y = permutation.unpermute(permutation.permute(x), weights);
                permutation.Dispose();
                return y;
            })),
            new(Sort, () => functional.expert_permutation(indices, row.Experts).Dispose()),
            new(ArgSort, () =>
            {
                using Tensor flat = indices.reshape(-1), order = flat.argsort(), counts = flat.bincount(null!, row.Experts);
            }),
        ]);
    }
}
