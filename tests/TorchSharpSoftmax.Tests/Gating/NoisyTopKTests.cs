using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>The noisy gate: kept softmax of noisy logits, its gradients into logits and deviations, and the distribution of its noise.</summary>
public sealed class NoisyTopKTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(6)]
    public void Without_noise_it_is_the_softmax_over_the_k_largest(int k)
    {
        using var scope = NewDisposeScope();
        var random = new Random(k);
        var x = OperatorContract.Logits(random, [3, 9, 6], ScalarType.Float64, 1);
        Tensor ours = x.detach().requires_grad_(), theirs = x.detach().requires_grad_();
        var routing = F.noisy_top_k_gate(ours, null, k);
        var (top, indices) = theirs.topk(k);
        Assert.Equal(ElementAccess.Values(indices), ElementAccess.Values(routing.indices));
        RoutingLossTests.AssertSame(top.softmax(-1), routing.weights, 1e-15);
        RoutingLossTests.AssertSame(theirs.softmax(-1).mean([0, 1]), routing.mean_probability, 1e-15);
        RoutingLossTests.AssertSame(theirs.logsumexp(-1), routing.lse, 1e-14);
        Assert.Equal(ElementAccess.Values(bincount(indices.reshape(-1), minlength: 6)), ElementAccess.Values(routing.counts));
        var dw = OperatorContract.Logits(random, [3, 9, k], ScalarType.Float64, 1);
        autograd.backward(routing.weights, dw);
        autograd.backward(top.softmax(-1), dw);
        RoutingLossTests.AssertSame(theirs.grad!, ours.grad!, 1e-13);
        if (k == 1)
        {
            Assert.All(ElementAccess.Values(ours.grad!), g => Assert.Equal(0, g)); // why a gate that trains refuses it
        }
    }

    [Fact]
    public void Of_equal_logits_the_lowest_index_is_chosen()
    {
        using var scope = NewDisposeScope();
        var random = new Random(1);
        const int tokens = 20_000, experts = 9;
        double[] values = [.. Enumerable.Range(0, tokens * experts).Select(_ => (double)random.Next(4))];
        for (int k = 1; k <= experts; k += 4)
        {
            var routing = F.noisy_top_k_gate(tensor(values, [tokens, experts], ScalarType.Float32), null, k);
            var expected = Enumerable.Range(0, tokens).SelectMany(t => Enumerable.Range(0, experts).OrderByDescending(e => values[(t * experts) + e]).Take(k).Select(e => (long)e));
            Assert.Equal(expected, DenseToSparseTests.Longs(routing.indices));
        }
    }

    /// <summary>A NaN is the last choice, as in topk_gate, and not the first one, as in libtorch's topk.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void It_chooses_and_weighs_as_the_top_k_gate_also_what_is_no_number(int k)
    {
        using var scope = NewDisposeScope();
        const double inf = double.PositiveInfinity, nan = double.NaN;
        var x = tensor([1, nan, 3, 0, 0.5, -inf, -inf, -inf, -inf, -inf, nan, nan, 2, nan, nan, 2, 2, 5, 2, 5], [4, 5], ScalarType.Float64);
        var noisy = F.noisy_top_k_gate(x, null, k);
        using var gate = F.topk_gate(x, k, statistics: false);
        Assert.Equal(DenseToSparseTests.Longs(gate.indices), DenseToSparseTests.Longs(noisy.indices));
        Assert.Equal(DenseToSparseTests.Longs(gate.counts), DenseToSparseTests.Longs(noisy.counts));
        Assert.Equal(ElementAccess.Values(gate.weights), ElementAccess.Values(noisy.weights));
        Assert.Equal([2, 0, 2, 2], DenseToSparseTests.Longs(noisy.indices.narrow(1, 0, 1)));
    }

    /// <summary>dL/dz = dL/dh, and dL/ds = dL/dh * eps, whatever eps was.</summary>
    [Fact]
    public void The_gradient_goes_through_the_noise_into_logits_and_deviations()
    {
        using var scope = NewDisposeScope();
        var random = new Random(2);
        var z = OperatorContract.Logits(random, [11, 5], ScalarType.Float64, 1).requires_grad_();
        var s = (OperatorContract.Logits(random, [11, 5], ScalarType.Float64, 1).abs() + 0.3).detach().requires_grad_();
        var routing = F.noisy_top_k_gate(z, s, 3);
        var eps = ((routing.noisy_logits! - z) / s).detach();
        var dw = OperatorContract.Logits(random, [11, 3], ScalarType.Float64, 1);
        autograd.backward(routing.weights, dw);
        var h = (z + (s * eps)).detach().requires_grad_();
        autograd.backward(h.topk(3).values.softmax(-1), dw);
        RoutingLossTests.AssertSame(h.grad!, z.grad!, 1e-13);
        RoutingLossTests.AssertSame(h.grad! * eps, s.grad!, 1e-13);
        Assert.Equal(ElementAccess.Values(z.logsumexp(-1)), ElementAccess.Values(routing.lse), (a, b) => Math.Abs(a - b) <= 1e-14); // of what is not noisy
        var load = F.load_loss(z, routing.noisy_logits!, s, 3, 0.2);
        Assert.Equal(load.item<double>(), routing.load_loss(0.2).item<double>());
        Assert.Equal(F.importance_loss(routing.weights, 0.2, routing.indices, 5).item<double>(), routing.importance_loss(0.2).item<double>());
    }

    [Fact]
    public void The_noise_is_normal_with_the_deviation_asked_for()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        const int draws = 50_000;
        var z = tensor([0.5, -1, 2], ScalarType.Float64).expand(draws, 3);
        var s = tensor([0.1, 1, 3], ScalarType.Float64).expand(draws, 3);
        var eps = (F.noisy_top_k_gate(z, s, 2).noisy_logits! - z) / s;
        Assert.All(ElementAccess.Values(eps.mean([0])), mean => Assert.InRange(Math.Abs(mean), 0, 5 / Math.Sqrt(draws)));
        Assert.All(ElementAccess.Values(eps.std(0)), deviation => Assert.Equal(1, deviation, 5 / Math.Sqrt(draws)));
        Assert.All(ElementAccess.Values(eps.pow(4).mean([0])), fourth => Assert.Equal(3, fourth, 0.3));
    }

    [Fact]
    public void The_module_starts_without_preference_and_is_quiet_in_evaluation()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        using var gate = nn.NoisyTopKGate(3, 5, 2, dtype: ScalarType.Float64);
        Assert.Equal(["linear.weight", "noise.weight"], gate.named_parameters().Select(entry => entry.name));
        Assert.All(gate.parameters(), parameter => Assert.All(ElementAccess.Values(parameter), w => Assert.Equal(0, w)));
        var x = OperatorContract.Logits(new Random(5), [4000, 3], ScalarType.Float64, 1);
        var trained = gate.route(x);
        Assert.All(ElementAccess.Values(trained.noise_stddev!), s => Assert.Equal(Math.Log(2) + 0.01, s, 1e-15));
        Assert.All(DenseToSparseTests.Longs(trained.counts), count => Assert.InRange(count, 1400, 1800));
        (trained.load_loss() + trained.importance_loss() + trained.weights.pow(2).sum()).backward();
        Assert.All(gate.parameters(), parameter => Assert.True(parameter.grad!.abs().max().item<double>() > 0));
        gate.eval();
        var quiet = gate.route(x);
        Assert.Null(quiet.noisy_logits);
        Assert.All(DenseToSparseTests.Longs(quiet.indices[7]), (index, slot) => Assert.Equal(slot, index));
        Assert.StartsWith("'noisy_logits' is null;", Assert.Throws<InvalidOperationException>(() => quiet.load_loss()).Message, StringComparison.Ordinal);
        Assert.IsType<NoisyTopKOutputs>(gate.call(x));
    }

    [Fact]
    public void A_gate_of_one_expert_a_token_is_refused_unless_it_is_not_to_be_trained()
    {
        var refusal = Assert.Throws<ArgumentOutOfRangeException>(() => nn.NoisyTopKGate(3, 5, 1));
        Assert.StartsWith("'k' is 1, whose weight is 1 and whose gradient is 0; 2 or more is required for a gate that trains, or 'trainable' of false.", refusal.Message, StringComparison.Ordinal);
        using var gate = nn.NoisyTopKGate(3, 5, 1, trainable: false);
        Assert.All(gate.parameters(), parameter => Assert.False(parameter.requires_grad));
        using var scope = NewDisposeScope();
        Assert.All(ElementAccess.Values(gate.call(ones(4, 3)).weights), w => Assert.Equal(1, w));
    }

    /// <summary>A loss on the balance alone brings a collapsed gate back.</summary>
    [Fact]
    public void Load_and_importance_losses_balance_a_gate()
    {
        using var scope = NewDisposeScope();
        manual_seed(6);
        using var gate = nn.NoisyTopKGate(4, 6, 2);
        using (no_grad())
        {
            gate.linear.weight[0] = full([4], 2.0f);
        }

        var x = OperatorContract.Logits(new Random(7), [256, 4], ScalarType.Float32, 1).abs();
        using var optimizer = optim.Adam(gate.parameters(), 0.05);
        double Variation() => RoutingLossTests.SquaredVariation(ElementAccess.Values(gate.call(x).counts));
        double before = Variation();
        for (int i = 0; i < 60; i++)
        {
            using var inner = NewDisposeScope();
            optimizer.zero_grad();
            var routing = gate.route(x);
            (routing.load_loss(1) + routing.importance_loss(1)).backward();
            optimizer.step();
        }

        Assert.True(before > 0.5 && Variation() < before / 10, $"{before} to {Variation()}");
    }
}
