using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>The way back from experts: the fused sum and its gradients against libtorch's operators, and what it leaves behind.</summary>
public sealed class ExpertCombinationTests(ITestOutputHelper output)
{
    private static readonly int Steps = Environment.GetEnvironmentVariable("TORCHSHARP_STANDIN_STRICT") == "1" ? 30 : 300;

    [Theory]
    [InlineData(1, 3, 1, 1, null)]
    [InlineData(9, 4, 1, 5, 2L)]
    [InlineData(40, 6, 2, 1, null)]
    [InlineData(33, 5, 3, 130, 10L)]
    [InlineData(7, 9, 8, 1203, 3L)]
    public void Values_and_gradients_are_those_of_libtorchs_operators(int tokens, int experts, int k, int features, long? capacity)
    {
        using var scope = NewDisposeScope();
        var random = new Random(tokens);
        var indices = tensor(ExpertPermutationTests.Indices(random, tokens, experts, k, unused: true), [tokens, k]);
        using var permutation = F.expert_permutation(indices, experts, capacity);
        var rows = OperatorContract.Logits(random, [permutation.slots.size(0), features], ScalarType.Float64, 1);
        var weights = OperatorContract.Logits(random, [tokens, k], ScalarType.Float64, 1);
        var dy = OperatorContract.Logits(random, [tokens, features], ScalarType.Float64, 1);
        foreach (bool weighted in (bool[])[true, false])
        {
            Tensor[] ours = Leaves(rows, weights), theirs = Leaves(rows, weights);
            var y = permutation.unpermute(ours[0], weighted ? ours[1] : null);
            var expected = Composed(permutation, theirs[0], weighted ? theirs[1] : ones_like(weights));
            RoutingLossTests.AssertSame(expected, y, 1e-12);
            autograd.backward(y, dy);
            autograd.backward(expected, dy);
            RoutingLossTests.AssertSame(theirs[0].grad!, ours[0].grad!, 1e-12);
            if (weighted)
            {
                RoutingLossTests.AssertSame(theirs[1].grad!, ours[1].grad!, 1e-12);
            }
        }
    }

    [Theory]
    [InlineData(1, 4, null)]
    [InlineData(3, 1, null)]
    [InlineData(3, 4, 2L)]
    public void Derivatives_are_right_twice_over_with_weights_and_without(int k, int features, long? capacity)
    {
        using var scope = NewDisposeScope();
        var random = new Random(k);
        var indices = tensor(ExpertPermutationTests.Indices(random, 5, 4, k, unused: true), [5, k]);
        using var permutation = F.expert_permutation(indices, 4, capacity);
        Tensor[] Inputs() => Leaves(
            OperatorContract.Logits(random, [permutation.slots.size(0), features], ScalarType.Float64, 1), OperatorContract.Logits(random, [5, k], ScalarType.Float64, 1));
        Assert.True(autograd.gradcheck(t => permutation.unpermute(t[0], t[1]), Inputs()));
        Assert.True(autograd.gradgradcheck(t => permutation.unpermute(t[0], t[1]), Inputs()));
        Assert.True(autograd.gradcheck(t => permutation.unpermute(t[0]), [Inputs()[0]]));
        Assert.True(autograd.gradgradcheck(t => permutation.unpermute(t[0]).pow(2), [Inputs()[0]]));
        var constant = Inputs()[1].detach();
        Assert.True(autograd.gradcheck(t => permutation.unpermute(t[0], constant), [Inputs()[0]]));
        Assert.True(autograd.gradgradcheck(t => permutation.unpermute(t[0], constant).pow(2), [Inputs()[0]]));
    }

    [Fact]
    public void A_gradient_is_the_same_whether_or_not_the_other_is_asked_for()
    {
        using var scope = NewDisposeScope();
        var random = new Random(1);
        using var permutation = F.expert_permutation(tensor(ExpertPermutationTests.Indices(random, 20, 5, 2, unused: true), [20, 2]), 5);
        var (rows, weights) = (OperatorContract.Logits(random, [permutation.slots.size(0), 70], ScalarType.Float32, 1), OperatorContract.Logits(random, [20, 2], ScalarType.Float32, 1));
        var dy = OperatorContract.Logits(random, [20, 70], ScalarType.Float32, 1);
        Tensor[] both = Leaves(rows, weights), rowsAlone = Leaves(rows, weights), weightsAlone = Leaves(rows, weights);
        autograd.backward(permutation.unpermute(both[0], both[1]), dy);
        autograd.backward(permutation.unpermute(rowsAlone[0], weights), dy);
        autograd.backward(permutation.unpermute(rows, weightsAlone[1]), dy);
        Assert.Equal(ElementAccess.Values(both[0].grad!), ElementAccess.Values(rowsAlone[0].grad!));
        Assert.Equal(ElementAccess.Values(both[1].grad!), ElementAccess.Values(weightsAlone[1].grad!));
        Assert.Null(rowsAlone[1].grad);
        Assert.False(permutation.unpermute(rows, weights).requires_grad);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    public void What_other_devices_take_has_the_same_values(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(2);
        foreach (bool gaps in (bool[])[true, false])
        {
            var places = tensor([3L, 0, 1, gaps ? -1 : 4, 2, gaps ? -1 : 5], [3, 2]);
            var rows = OperatorContract.Logits(random, [gaps ? 4 : 6, 5], dtype, 1);
            var weights = OperatorContract.Logits(random, [3, 2], dtype == ScalarType.Float64 ? dtype : ScalarType.Float32, 1);
            foreach (var used in (Tensor?[])[weights, null])
            {
                var composed = ExpertCombinationFunction.Composed(rows, places, used, gaps);
                var kernel = ExpertCombinationFunction.Apply(rows, places, places, places, used, gaps);
                Assert.Equal((dtype, dtype), (composed.dtype, kernel.dtype));
                Assert.Equal(ElementAccess.Values(composed), ElementAccess.Values(kernel), (a, b) => Math.Abs(a - b) <= 4 * Close.Epsilon(dtype));
            }
        }

        Assert.Equal([0, 0], ElementAccess.Values(ExpertCombinationFunction.Composed(zeros([0, 2], dtype), tensor([-1L], [1, 1]), null, hasGaps: true)));
    }

    [Fact]
    public void Strided_rows_expanded_weights_and_an_expanded_gradient_make_no_difference()
    {
        using var scope = NewDisposeScope();
        var random = new Random(3);
        using var permutation = F.expert_permutation(tensor(ExpertPermutationTests.Indices(random, 6, 4, 2, unused: true), [2, 3, 2]), 4);
        var x = OperatorContract.Logits(random, [5, permutation.slots.size(0)], ScalarType.Float64, 1);
        var w = OperatorContract.Logits(random, [2, 3, 1], ScalarType.Float64, 1);
        Tensor strided = x.detach().requires_grad_(), plain = x.transpose(0, 1).contiguous().detach().requires_grad_();
        Tensor expanded = w.detach().requires_grad_(), repeated = w.detach().requires_grad_();
        var y = permutation.unpermute(strided.transpose(0, 1), expanded.expand(2, 3, 2));
        var expected = permutation.unpermute(plain, cat([repeated, repeated], 2));
        Assert.Equal([2, 3, 5], y.shape);
        RoutingLossTests.AssertSame(expected, y, 1e-15);
        y.sum().backward();
        autograd.backward(expected, ones(2, 3, 5).to_type(ScalarType.Float64));
        RoutingLossTests.AssertSame(plain.grad!.transpose(0, 1), strided.grad!, 1e-15);
        RoutingLossTests.AssertSame(repeated.grad!, expanded.grad!, 1e-15);
    }

    [Fact]
    public void Weights_of_another_dtype_have_a_gradient_of_theirs()
    {
        using var scope = NewDisposeScope();
        var random = new Random(4);
        using var permutation = F.expert_permutation(tensor(ExpertPermutationTests.Indices(random, 6, 4, 2, unused: false), [6, 2]), 4);
        foreach (var (dtype, ofWeights) in ((ScalarType, ScalarType)[])[
            (ScalarType.Float32, ScalarType.Float64), (ScalarType.Float64, ScalarType.Float32), (ScalarType.BFloat16, ScalarType.BFloat16), (ScalarType.Float16, ScalarType.Float32)])
        {
            Tensor[] t = [OperatorContract.Logits(random, [12, 3], dtype, 1).requires_grad_(), OperatorContract.Logits(random, [6, 2], ofWeights, 1).requires_grad_()];
            var y = permutation.unpermute(t[0], t[1]);
            y.to_type(ScalarType.Float64).sum().backward();
            Assert.Equal((dtype, dtype, ofWeights), (y.dtype, t[0].grad!.dtype, t[1].grad!.dtype));
            var sums = t[0].detach().to_type(ScalarType.Float64).sum(1);
            var expected = zeros([12], ScalarType.Float64).scatter(0, permutation.slots, sums);
            Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(t[1].grad!), (a, b) => Math.Abs(a - b) <= 8 * Close.Epsilon(ofWeights == ScalarType.Float64 ? dtype : ofWeights));
        }
    }

    [Fact]
    public void Tokens_of_complex_numbers_have_complex_gradients()
    {
        using var scope = NewDisposeScope();
        var random = new Random(5);
        using var permutation = F.expert_permutation(tensor([0L, 1, 1, -1, 1, 0], [3, 2]), 2);
        var x = zeros([3, 2], ScalarType.ComplexFloat64).requires_grad_();
        var rows = permutation.permute(x);
        var real = OperatorContract.Logits(random, [5, 2], ScalarType.Float64, 1);
        var dy = complex(real, real * 3);
        autograd.backward(rows, dy);
        var sums = zeros([3, 2], ScalarType.Float64).index_add(0, permutation.tokens, real, 1);
        RoutingLossTests.AssertSame(sums, x.grad!.real, 1e-15);
        RoutingLossTests.AssertSame(sums * 3, x.grad!.imag, 1e-14);
    }

    [Fact]
    [BestWidthOnly]
    public void Steps_there_and_back_leave_nothing_behind()
    {
        using var scope = NewDisposeScope();
        var random = new Random(6);
        var indices = tensor(ExpertPermutationTests.Indices(random, 30, 5, 2, unused: true), [30, 2]);
        Tensor x = OperatorContract.Logits(random, [30, 8], ScalarType.Float32, 1).requires_grad_(), w = OperatorContract.Logits(random, [30, 2], ScalarType.Float32, 1).requires_grad_();
        Live.AssertNothingAccumulates(output, "there and back", Steps, () =>
        {
            using (var inner = NewDisposeScope())
            {
                using var permutation = F.expert_permutation(indices, 5, capacity: 14);
                var y = permutation.unpermute(permutation.permute(x), w);
                var first = autograd.grad([y.pow(2).sum()], [x, w], create_graph: true);
                (first[0].pow(2).sum() + first[1].pow(2).sum() + permutation.unpermute(permutation.permute(x)).sum()).backward();
            }

            x.grad = null;
            w.grad = null;
        });
    }

    private static Tensor[] Leaves(Tensor rows, Tensor weights) => [rows.detach().requires_grad_(), weights.detach().requires_grad_()];

    /// <summary>Each slot's row, or one of zeros where it has none, times its weight, added up.</summary>
    private static Tensor Composed(ExpertPermutation permutation, Tensor rows, Tensor weights)
    {
        long count = rows.size(0), slots = weights.numel();
        var places = full([slots], count, ScalarType.Int64).scatter(0, permutation.slots, arange(count, ScalarType.Int64));
        var all = cat([rows, zeros([1, rows.size(1)], rows.dtype)], 0);
        return (all.index_select(0, places).reshape(weights.size(0), weights.size(1), -1) * weights.unsqueeze(-1)).sum(1);
    }
}
