using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>The losses of a router against their formulas written out with one-hot tensors in float64, and what holds exactly.</summary>
public sealed class RoutingLossTests
{
    [Theory]
    [InlineData(1, false, false)]
    [InlineData(3, false, false)]
    [InlineData(3, true, false)]
    [InlineData(3, false, true)]
    [InlineData(6, true, true)]
    public void The_load_balance_loss_is_its_formula_with_one_hot_tensors(int k, bool perSequence, bool firstChoice)
    {
        using var scope = NewDisposeScope();
        var (x, indices, mask) = Sample(new Random(k), 3, 7, 6, k);
        foreach (var counted in (Tensor?[])[null, mask])
        {
            Tensor[] both = [.. new[] { x, x }.Select(t => t.detach().requires_grad_())];
            var actual = F.load_balance_loss(both[0].softmax(-1), indices, 0.3, counted, perSequence, firstChoice);
            var expected = OneHot(both[1].softmax(-1), indices, 0.3, counted, perSequence, firstChoice);
            actual.backward();
            expected.backward();
            AssertSame(expected, actual, 1e-14);
            AssertSame(both[1].grad!, both[0].grad!, 1e-14);
        }
    }

    /// <summary>Every expert as often as every other, and every mean probability 1 / E.</summary>
    [Fact]
    public void The_load_balance_loss_is_alpha_at_balance_for_any_k()
    {
        using var scope = NewDisposeScope();
        const int experts = 8;
        var p = full([experts, experts], 1.0 / experts, ScalarType.Float64);
        for (int k = 1; k <= experts; k++)
        {
            var indices = tensor([.. from t in Enumerable.Range(0, experts) from j in Enumerable.Range(0, k) select (long)((t + j) % experts)], [experts, k]);
            Assert.Equal(0.25, F.load_balance_loss(p, indices, 0.25).item<double>());
            Assert.Equal(0.25, F.load_balance_loss(p, indices, 0.25, first_choice: true).item<double>());
            Assert.Equal(0.25, F.load_balance_loss(p.reshape(2, 4, experts).flip(0), indices.reshape(2, 4, k), 0.25, per_sequence: false).item<double>());
        }
    }

    [Fact]
    public void A_gate_that_gives_all_to_all_has_the_loss_alpha_and_no_gradient()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(1), [20, 5], ScalarType.Float64, 1).requires_grad_();
        var all = tensor([0L, 1, 2, 3, 4]).expand(20, 5);
        var loss = F.load_balance_loss(x.softmax(-1), all, 0.5);
        loss.backward();
        Assert.Equal(0.5, loss.item<double>(), 1e-15);
        Assert.All(ElementAccess.Values(x.grad!), g => Assert.InRange(Math.Abs(g), 0, 1e-17));
    }

    /// <summary>One router that sends everything to its first expert costs E * alpha, whatever k: it is E times the balanced loss.</summary>
    [Fact]
    public void The_load_balance_loss_of_a_collapsed_router_is_E_times_alpha()
    {
        using var scope = NewDisposeScope();
        var p = zeros([10, 4], ScalarType.Float64);
        p[.., 0] = tensor(1.0);
        Assert.Equal(4, F.load_balance_loss(p, zeros([10, 1], ScalarType.Int64), 1).item<double>(), 1e-15);
    }

    [Fact]
    public void Counts_and_mean_probability_give_the_same_loss_and_gradient()
    {
        using var scope = NewDisposeScope();
        var (x, indices, _) = Sample(new Random(2), 1, 30, 6, 2);
        Tensor[] both = [.. new[] { x, x }.Select(t => t.detach().reshape(30, 6).requires_grad_())];
        var flat = indices.reshape(30, 2);
        var counts = bincount(flat.reshape(-1), minlength: 6);
        var actual = F.load_balance_loss_from_counts(counts, both[0].softmax(-1).mean([0]), 0.1);
        var expected = F.load_balance_loss(both[1].softmax(-1), flat, 0.1);
        actual.backward();
        expected.backward();
        AssertSame(expected, actual, 1e-15);
        AssertSame(both[1].grad!, both[0].grad!, 1e-15);
    }

    /// <summary>The walk over the indices, and the operators that stand for it on other devices: bit by bit, for unused slots, masked tokens, sequences without a token and strides.</summary>
    [Theory]
    [InlineData(1, 40, 7, 1)]
    [InlineData(1, 40, 7, 3)]
    [InlineData(5, 9, 6, 2)]
    [InlineData(4, 1, 3, 3)]
    [InlineData(2, 0, 3, 2)]
    public void The_load_balance_factors_are_those_of_operators(int sequences, int tokens, int experts, int k)
    {
        using var scope = NewDisposeScope();
        var random = new Random(sequences + k);
        var slots = tensor([.. Enumerable.Range(0, sequences * tokens * k * 2).Select(_ => (long)random.Next(-1, experts))], [sequences, tokens, 2 * k], ScalarType.Int64);
        var kept = tensor([.. Enumerable.Range(0, sequences * tokens * 2).Select(i => i >= 2 * tokens && random.Next(3) > 0)], [sequences, tokens, 2], ScalarType.Bool);
        foreach (var choices in (Tensor[])[slots.narrow(-1, k, k), slots.narrow(-1, 0, k).contiguous()])
        {
            foreach (var mask in (Tensor?[])[null, kept.select(2, 1), kept.select(2, 0).contiguous()])
            {
                var actual = LoadBalanceFactors.Of(choices, mask, sequences, tokens, experts, 0.3);
                var expected = LoadBalanceFactors.Composed(choices, mask, sequences, tokens, experts, 0.3);
                Assert.Equal([sequences, experts], actual.shape);
                Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(actual));
            }
        }
    }

    [Fact]
    public void The_load_balance_factors_of_counts_are_those_of_operators()
    {
        using var scope = NewDisposeScope();
        var counts = tensor([3L, 0, 9, 1, 0, 0, 0, 0, 7, 1, 1, 2], [3, 4]);
        foreach (var rows in (Tensor[])[counts, counts.narrow(0, 1, 1), counts.narrow(0, 0, 0), counts.t()])
        {
            var actual = LoadBalanceFactors.OfCounts(rows, 0.3);
            Assert.Equal(rows.shape, actual.shape);
            foreach (var type in (ScalarType[])[ScalarType.Int64, ScalarType.Int32, ScalarType.Float32])
            {
                Assert.Equal(ElementAccess.Values(LoadBalanceFactors.Composed(rows.to_type(type), 0.3)), ElementAccess.Values(actual));
            }
        }
    }

    [Fact]
    public void What_is_masked_changes_no_loss_though_it_be_NaN_and_gets_no_gradient()
    {
        using var scope = NewDisposeScope();
        var random = new Random(3);
        var (x, indices, _) = Sample(random, 1, 8, 5, 2);
        var few = x.reshape(8, 5).narrow(0, 0, 6).detach();
        var padded = cat([few, full([2, 5], double.NaN, ScalarType.Float64)], 0);
        var flat = indices.reshape(8, 2);
        var mask = tensor([true, true, true, true, true, true, false, false]);
        var stddev = ones_like(padded) * 0.5;
        var noise = OperatorContract.Logits(random, [8, 5], ScalarType.Float64, 1);
        foreach (var loss in (Func<Tensor, Tensor, Tensor?, Tensor>[])[
            (z, i, m) => F.load_balance_loss(z, i, 1, m),
            (z, i, m) => F.importance_loss(z, 1, mask: m),
            (z, i, m) => F.importance_loss(z.narrow(-1, 0, 2), 1, i, 5, m),
            (z, i, m) => F.load_loss(z, z + noise.narrow(0, 0, z.size(0)), stddev.narrow(0, 0, z.size(0)), 2, 1, m),
            (z, i, m) => F.router_z_loss(z, 1, m),
            (z, i, m) => F.router_z_loss_from_lse(z.narrow(-1, 0, 1).squeeze(-1), 1, m)])
        {
            Tensor[] both = [padded.detach().requires_grad_(), few.detach().requires_grad_()];
            Tensor masked = loss(both[0], flat, mask), plain = loss(both[1], flat.narrow(0, 0, 6), null);
            masked.backward();
            plain.backward();
            AssertSame(plain, masked, 1e-14);
            AssertSame(both[1].grad!, both[0].grad!.narrow(0, 0, 6), 1e-14);
            Assert.All(ElementAccess.Values(both[0].grad!.narrow(0, 6, 2)), g => Assert.Equal(0, g));
            Assert.True(double.IsNaN(loss(padded, flat, null).item<double>()));
        }
    }

    [Fact]
    public void Without_a_token_that_counts_every_mean_is_0()
    {
        using var scope = NewDisposeScope();
        var (x, indices, _) = Sample(new Random(4), 2, 3, 4, 2);
        var none = zeros([2, 3], ScalarType.Bool);
        Assert.Equal(0, F.load_balance_loss(x, indices, 1, none).item<double>());
        Assert.Equal(0, F.load_balance_loss(x, indices, 1, none, per_sequence: true).item<double>());
        Assert.Equal(0, F.router_z_loss(x, 1, none).item<double>());
        Assert.Equal(0, F.importance_loss(x, 1, mask: none).item<double>());
        Assert.Equal(0, F.load_balance_loss(zeros([0, 4], ScalarType.Float64), zeros([0, 2], ScalarType.Int64)).item<double>());
    }

    [Fact]
    public void A_sequence_without_tokens_takes_no_part_in_the_mean_over_sequences()
    {
        using var scope = NewDisposeScope();
        var (x, indices, _) = Sample(new Random(5), 2, 6, 4, 2);
        var p = x.softmax(-1);
        var first = cat([ones([1, 6], ScalarType.Bool), zeros([1, 6], ScalarType.Bool)], 0);
        AssertSame(F.load_balance_loss(p[0], indices[0], 1), F.load_balance_loss(p, indices, 1, first, per_sequence: true), 1e-15);
    }

    [Fact]
    public void The_importance_loss_is_the_squared_coefficient_of_variation_dense_or_chosen()
    {
        using var scope = NewDisposeScope();
        var (x, indices, mask) = Sample(new Random(6), 2, 9, 5, 3);
        var p = x.softmax(-1);
        var w = p.gather(-1, indices);
        foreach (var counted in (Tensor?[])[null, mask])
        {
            double[] Sums(Tensor dense) => ElementAccess.Values((dense * (counted ?? ones_like(mask)).to_type(ScalarType.Float64).unsqueeze(-1)).sum([0, 1]));
            Assert.Equal(0.2 * SquaredVariation(Sums(p)), F.importance_loss(p, 0.2, mask: counted).item<double>(), 1e-10);
            var spread = zeros_like(p).scatter(-1, indices, w);
            Assert.Equal(0.2 * SquaredVariation(Sums(spread)), F.importance_loss(w, 0.2, indices, 5, counted).item<double>(), 1e-10);
        }

        Assert.Equal(0, F.importance_loss(full([7, 4], 0.25), 1).item<float>());
        var leaf = w.detach().requires_grad_();
        Assert.True(autograd.gradcheck((Tensor t) => F.importance_loss(t, 0.2, indices, 5, mask), leaf));
        Assert.True(autograd.gradcheck((Tensor t) => F.importance_loss(t, 0.2), p.detach().requires_grad_()));
    }

    [Fact]
    public void A_slot_that_is_not_used_counts_nowhere()
    {
        using var scope = NewDisposeScope();
        var p = OperatorContract.Logits(new Random(7), [4, 3], ScalarType.Float64, 1).softmax(-1);
        Tensor some = tensor([0L, -1, 2, 1, 1, -1, 0, -1], [4, 2]), w = ones([4, 2], ScalarType.Float64);
        double[] mean = ElementAccess.Values(p.mean([0]));
        Assert.Equal(3 * ((mean[0] * 2) + (mean[1] * 2) + mean[2]) / 5, F.load_balance_loss(p, some, 1).item<double>(), 1e-14);
        Assert.Equal(SquaredVariation([2, 2, 1]), F.importance_loss(w, 1, some, 3).item<double>(), 1e-9);
    }

    /// <summary>The chance that an expert is chosen, its noise drawn again and the others' kept, counted in a hundred thousand draws.</summary>
    [Fact]
    public void The_load_loss_counts_the_chances_of_being_chosen()
    {
        using var scope = NewDisposeScope();
        const int experts = 5, k = 2, draws = 100_000;
        var random = new Random(8);
        var z = OperatorContract.Logits(random, [1, experts], ScalarType.Float64, 1);
        var s = OperatorContract.Logits(random, [1, experts], ScalarType.Float64, 0.3).abs() + 0.5;
        var h = z + (s * OperatorContract.Logits(random, [1, experts], ScalarType.Float64, 1));
        var (mean, stddev, noisy) = (ElementAccess.Values(z), ElementAccess.Values(s), ElementAccess.Values(h));
        double[] chances = new double[experts];
        for (int e = 0; e < experts; e++)
        {
            double kth = noisy.Where((_, other) => other != e).OrderDescending().ElementAt(k - 1);
            for (int draw = 0; draw < draws; draw++)
            {
                double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
                chances[e] += mean[e] + (stddev[e] * normal) > kth ? 1.0 / draws : 0;
            }
        }

        Assert.Equal(SquaredVariation(chances), F.load_loss(z, h, s, k, 1).item<double>(), 0.02);
    }

    [Fact]
    public void The_load_losss_gradient_passes_gradcheck_through_the_threshold_too()
    {
        using var scope = NewDisposeScope();
        var random = new Random(9);
        var z = OperatorContract.Logits(random, [6, 5], ScalarType.Float64, 1).requires_grad_();
        var s = (OperatorContract.Logits(random, [6, 5], ScalarType.Float64, 0.3).abs() + 0.5).detach().requires_grad_();
        var noise = OperatorContract.Logits(random, [6, 5], ScalarType.Float64, 1);
        Assert.True(autograd.gradcheck((Tensor[] t) => F.load_loss(t[0], t[0] + (t[1] * noise), t[1], 2, 0.7), [z, s]));
    }

    [Fact]
    public void Where_every_expert_is_chosen_the_load_loss_is_0_beside_excluded_experts_and_padding_too()
    {
        using var scope = NewDisposeScope();
        var stddev = ones([3, 2], ScalarType.Float64);
        foreach (double edge in (double[])[0.5, double.NegativeInfinity, double.NaN])
        {
            var z = tensor([0.25, 1, -1, edge, edge, edge], [3, 2]).requires_grad_();
            var loss = F.load_loss(z, z + stddev, stddev, 2, mask: tensor([true, true, false]));
            Assert.Equal(0, loss.item<double>());
            loss.backward();
            Assert.All(ElementAccess.Values(z.grad!), g => Assert.Equal(0, g));
        }
    }

    [Fact]
    public void The_z_loss_and_its_gradient_are_their_formulas_and_do_not_overflow()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(10), [2, 7, 6], ScalarType.Float64, 3).requires_grad_();
        var lse = x.logsumexp(-1);
        var loss = F.router_z_loss(x, 0.3);
        loss.backward();
        AssertSame((lse * lse).mean() * 0.3, loss, 1e-14);
        AssertSame(x.softmax(-1) * lse.unsqueeze(-1) * (0.3 * 2 / 14), x.grad!, 1e-14);
        AssertSame(loss, F.router_z_loss_from_lse(lse, 0.3), 1e-14);
        Assert.Equal(1e8f, F.router_z_loss(full([1, 1], 1e4f), 1).item<float>());
    }

    [Fact]
    public void Half_precision_is_summed_in_single()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(11), [300, 8], ScalarType.Float32, 1);
        foreach (var dtype in (ScalarType[])[ScalarType.BFloat16, ScalarType.Float16])
        {
            var p = x.softmax(-1).to_type(dtype);
            var (_, indices) = x.topk(2);
            var loss = F.load_balance_loss(p, indices, 1);
            Assert.Equal(ScalarType.Float32, loss.dtype);
            Assert.Equal(F.load_balance_loss(p.to_type(ScalarType.Float64), indices, 1).item<double>(), loss.item<float>(), 1e-5);
            Assert.Equal(F.router_z_loss(p.to_type(ScalarType.Float64), 1).item<double>(), F.router_z_loss(p, 1).item<float>(), 1e-5);
            Assert.Equal(F.importance_loss(p.to_type(ScalarType.Float64), 1).item<double>(), F.importance_loss(p, 1).item<float>(), 1e-5);
        }
    }

    [Fact]
    public void Only_the_loss_stays_in_the_callers_dispose_scope()
    {
        using var outer = NewDisposeScope();
        var (x, indices, mask) = Sample(new Random(12), 2, 5, 4, 2);
        Tensor p = x.softmax(-1), counts = ones(4), noisy = x + 1;
        foreach (var loss in (Func<Tensor>[])[
            () => F.load_balance_loss(p, indices, 1, mask, true), () => F.importance_loss(p, 1, mask: mask), () => F.importance_loss(p.narrow(2, 0, 2), 1, indices, 4),
            () => F.load_loss(x, noisy, p, 2), () => F.router_z_loss(x), () => F.router_z_loss_from_lse(x), () => F.load_balance_loss_from_counts(counts, counts)])
        {
            long before = Live.Counts().Tensors;
            using (var scope = NewDisposeScope())
            {
                var value = loss();
                Assert.True(scope.Contains(value));
                Assert.Equal(before + scope.DisposablesCount, Tensor.TotalCount);
                Assert.InRange(scope.DisposablesCount, 1, 2); // the loss, and the argument that a caller makes above
            }
        }
    }

    internal static double SquaredVariation(double[] sums)
    {
        double mean = sums.Average();
        return sums.Sum(x => (x - mean) * (x - mean)) / sums.Length / (mean * mean);
    }

    internal static void AssertSame(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(actual), (a, b) => Math.Abs(a - b) <= tolerance * Math.Max(1, Math.Abs(a)));
    }

    /// <summary>Logits [sequences, tokens, experts], chosen experts that a sort knows nothing of, and a mask that leaves each sequence a token.</summary>
    private static (Tensor X, Tensor Indices, Tensor Mask) Sample(Random random, int sequences, int tokens, int experts, int k)
    {
        var x = OperatorContract.Logits(random, [sequences, tokens, experts], ScalarType.Float64, 1);
        long[] indices = [.. Enumerable.Range(0, sequences * tokens).SelectMany(_ => Enumerable.Range(0, experts).OrderBy(_ => random.Next()).Take(k).Select(e => (long)e))];
        bool[] mask = [.. Enumerable.Range(0, sequences * tokens).Select(i => i % tokens == 0 || random.Next(3) > 0)];
        return (x, tensor(indices, [sequences, tokens, k]), tensor(mask, [sequences, tokens]));
    }

    internal static Tensor OneHot(Tensor p, Tensor indices, double alpha, Tensor? mask, bool perSequence, bool firstChoice)
    {
        long experts = p.size(-1);
        var counted = (mask ?? ones(p.shape[..^1], ScalarType.Bool)).to_type(ScalarType.Float64);
        if (!perSequence)
        {
            (p, indices, counted) = (p.reshape(1, -1, experts), indices.reshape(1, -1, indices.size(-1)), counted.reshape(1, -1));
        }

        var hot = F.one_hot(firstChoice ? indices.narrow(-1, 0, 1) : indices, experts).to_type(ScalarType.Float64).sum(2) * counted.unsqueeze(-1);
        var f = hot.sum(1) / hot.sum([1, 2]).unsqueeze(-1);
        var mean = (p * counted.unsqueeze(-1)).sum(1) / counted.sum(1, keepdim: true);
        return (f * mean).sum(-1).mean() * (alpha * experts);
    }
}
