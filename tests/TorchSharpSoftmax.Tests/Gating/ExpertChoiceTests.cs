using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>Experts that choose their tokens.</summary>
public sealed class ExpertChoiceTests
{
    [Theory]
    [InlineData(7, 3, 1)]
    [InlineData(20, 6, 5)]
    [InlineData(20, 6, 20)]
    [InlineData(4, 3, 9)]
    public void Each_expert_takes_its_likeliest_tokens_the_first_of_equal_ones(int tokens, int experts, int capacity)
    {
        using var scope = NewDisposeScope();
        var random = new Random(tokens);
        double[] values = [.. Enumerable.Range(0, tokens * experts).Select(_ => (double)random.Next(4))];
        var logits = tensor(values, [tokens, experts], ScalarType.Float64);
        var p = logits.softmax(-1);
        double[] ps = ElementAccess.Values(F.two_pass_softmax(logits)); // ties are those of the very numbers that it compares
        int taken = Math.Min(tokens, capacity);
        var routing = F.expert_choice_gate(logits, capacity);
        long[] expected = [.. Enumerable.Range(0, experts).SelectMany(e => Enumerable.Range(0, tokens).OrderByDescending(t => ps[(t * experts) + e]).Take(taken).Select(t => (long)t))];
        Assert.Equal(expected, DenseToSparseTests.Longs(routing.tokens));
        Assert.Equal([experts, taken], routing.tokens.shape);
        Assert.All(DenseToSparseTests.Longs(routing.counts), count => Assert.Equal(taken, count));
        var mask = zeros([experts, tokens], ScalarType.Float64).scatter(1, routing.tokens, ones([experts, taken], ScalarType.Float64)).transpose(0, 1);
        var spread = zeros([tokens, experts + 1], ScalarType.Float64).scatter_add(1, routing.indices + 1, routing.weights).narrow(1, 1, experts);
        RoutingLossTests.AssertSame(p * mask, spread, 1e-15);
        Assert.Equal((long)mask.sum(1).max().item<double>(), routing.indices.size(1));
    }

    [Fact]
    public void Its_gradient_is_the_softmaxs_of_what_was_taken()
    {
        using var scope = NewDisposeScope();
        var random = new Random(1);
        var x = OperatorContract.Logits(random, [2, 8, 4], ScalarType.Float64, 1).requires_grad_();
        Assert.True(autograd.gradcheck((Tensor[] t) =>
        {
            var routing = F.expert_choice_gate(t[0], 3);
            return new[] { routing.weights, routing.lse, routing.mean_probability };
        }, [x]));
        Assert.Equal([2, 8], F.expert_choice_gate(x, 3).lse.shape);
    }

    [Fact]
    public void The_module_takes_the_tokens_of_its_capacity_factor_and_its_load_is_balanced()
    {
        using var scope = NewDisposeScope();
        using var gate = nn.ExpertChoiceGate(3, 4, capacity_factor: 1.5);
        var x = OperatorContract.Logits(new Random(2), [5, 6, 3], ScalarType.Float32, 1);
        var routing = Assert.IsType<ExpertChoiceOutputs>(gate.call(x));
        Assert.All(DenseToSparseTests.Longs(routing.counts), count => Assert.Equal(12, count)); // 1.5 * 30 / 4, upwards
        Assert.Equal([5, 6], routing.indices.shape[..2]);
        Assert.Equal(1e-2, F.load_balance_loss(routing.probabilities!, routing.indices).item<float>(), 1e-8);
        using var takesAll = nn.ExpertChoiceGate(3, 4, capacity_factor: double.MaxValue);
        Assert.Equal([4, 30], Assert.IsType<ExpertChoiceOutputs>(takesAll.call(x)).tokens.shape);
        Assert.Equal([4, 0], Assert.IsType<ExpertChoiceOutputs>(gate.call(zeros(0, 3))).tokens.shape);
    }
}
