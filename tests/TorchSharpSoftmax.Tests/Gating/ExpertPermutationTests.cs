using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>Rows by expert and back: the order, what is dropped, values and derivatives in tokens and weights.</summary>
public sealed class ExpertPermutationTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(5, 3, 1)]
    [InlineData(40, 6, 2)]
    [InlineData(1000, 10, 4)]
    [InlineData(300, 300, 7)]
    public void Rows_are_sorted_by_expert_stably(int tokens, int experts, int k)
    {
        using var scope = NewDisposeScope();
        long[] indices = Indices(new Random(tokens), tokens, experts, k, unused: tokens > 5);
        using var permutation = F.expert_permutation(tensor(indices, [tokens, k]), experts);
        long[] slots = [.. Enumerable.Range(0, indices.Length).Where(slot => indices[slot] >= 0).OrderBy(slot => indices[slot]).Select(slot => (long)slot)];
        Assert.Equal(slots, DenseToSparseTests.Longs(permutation.slots));
        Assert.Equal(slots.Select(slot => slot / k), DenseToSparseTests.Longs(permutation.tokens));
        Assert.Equal(Enumerable.Range(0, experts).Select(e => indices.LongCount(index => index == e)), permutation.counts);
        Assert.Equal((slots.Length, 0L, 0.0), (permutation.assigned, permutation.dropped, permutation.drop_rate));

        var x = OperatorContract.Logits(new Random(1), [tokens, 3], ScalarType.Float32, 1);
        var rows = permutation.permute(x);
        Assert.Equal(ElementAccess.Values(x.index_select(0, permutation.tokens)), ElementAccess.Values(rows));
        var parts = permutation.split(rows);
        Assert.Equal(permutation.counts, parts.Select(part => part.size(0)));
        Assert.Equal(ElementAccess.Values(rows), parts.SelectMany(ElementAccess.Values));
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(3L, false)]
    [InlineData(3L, true)]
    public void There_and_back_is_the_weighted_sum_over_slots_and_has_its_derivatives(long? capacity, bool byPriority)
    {
        using var scope = NewDisposeScope();
        var random = new Random(2);
        var indices = tensor(Indices(random, 12, 5, 3, unused: true), [3, 4, 3]);
        var weights = OperatorContract.Logits(random, [3, 4, 3], ScalarType.Float64, 1);
        var x = OperatorContract.Logits(random, [3, 4, 2], ScalarType.Float64, 1);
        var scale = OperatorContract.Logits(random, [5, 2], ScalarType.Float64, 1); // an expert that tells its number
        using var permutation = F.expert_permutation(indices, 5, capacity, byPriority ? weights : null);
        var kept = zeros([36], ScalarType.Float64).index_fill(0, permutation.slots, 1).reshape(3, 4, 3);
        var expertOfRow = indices.reshape(-1).index_select(0, permutation.slots);
        Tensor Ours(Tensor[] t) => permutation.unpermute(permutation.permute(t[0]) * t[2].index_select(0, expertOfRow), t[1]);
        Tensor Composed(Tensor[] t) =>
            ((t[1] * kept).unsqueeze(-1) * t[0].unsqueeze(2) * t[2].index_select(0, indices.reshape(-1).clamp(0, 4)).reshape(3, 4, 3, 2)).sum(2);
        Tensor[] Leaves() => [x.detach().requires_grad_(), weights.detach().requires_grad_(), scale.detach().requires_grad_()];
        Tensor[] ours = Leaves(), theirs = Leaves();
        var (y, expected) = (Ours(ours), Composed(theirs));
        RoutingLossTests.AssertSame(expected, y, 1e-14);
        var dy = OperatorContract.Logits(random, [3, 4, 2], ScalarType.Float64, 1);
        autograd.backward(y, dy);
        autograd.backward(expected, dy);
        for (int i = 0; i < 3; i++)
        {
            RoutingLossTests.AssertSame(theirs[i].grad!, ours[i].grad!, 1e-13);
        }

        Assert.True(autograd.gradcheck(Ours, Leaves()));
        Assert.True(autograd.gradgradcheck(Ours, Leaves()));
        Assert.Equal(capacity is null, permutation.dropped == 0);
    }

    [Fact]
    public void Without_experts_between_and_with_weights_of_one_third_the_tokens_come_back()
    {
        using var scope = NewDisposeScope();
        var random = new Random(3);
        var x = OperatorContract.Logits(random, [7, 4], ScalarType.Float64, 1);
        using var permutation = F.expert_permutation(tensor(Indices(random, 7, 4, 3, unused: false), [7, 3]), 4);
        RoutingLossTests.AssertSame(x, permutation.unpermute(permutation.permute(x), full([7, 3], 1.0 / 3, ScalarType.Float64)), 1e-15);
        RoutingLossTests.AssertSame(x * 3, permutation.unpermute(permutation.permute(x)), 1e-15);
    }

    /// <summary>Experts of tokens 0 to 3, two choices each; expert 0 is wanted five times, and has two places.</summary>
    [Fact]
    public void A_full_expert_turns_away_second_choices_first_and_then_later_tokens_or_those_of_least_priority()
    {
        using var scope = NewDisposeScope();
        var indices = tensor([1L, 0, 0, 2, 0, 1, 0, 0], [4, 2]);
        using var inOrder = F.expert_permutation(indices, 3, capacity: 2);
        Assert.Equal([2, 4, 0, 5, 3], DenseToSparseTests.Longs(inOrder.slots));
        Assert.Equal((8L, 3L, 3.0 / 8), (inOrder.assigned, inOrder.dropped, inOrder.drop_rate));
        Assert.Equal([2, 2, 1], inOrder.counts);

        var priority = tensor([0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, double.NaN], [4, 2], ScalarType.Float64);
        using var byPriority = F.expert_permutation(indices, 3, capacity: 2, priority);
        Assert.Equal([1, 6, 0, 5, 3], DenseToSparseTests.Longs(byPriority.slots));
        var x = tensor([1.0, 2, 3, 4], [4, 1], ScalarType.Float64);
        Assert.Equal([2, 2, 3, 4], ElementAccess.Values(byPriority.unpermute(byPriority.permute(x))));
        Assert.Equal([1, 4, 6, 0], ElementAccess.Values(inOrder.unpermute(inOrder.permute(x)))); // a token that nobody took is 0
    }

    [Fact]
    public void A_capacity_that_suffices_changes_nothing()
    {
        using var scope = NewDisposeScope();
        var indices = tensor(Indices(new Random(4), 50, 4, 2, unused: true), [50, 2]);
        using var without = F.expert_permutation(indices, 4);
        using var with = F.expert_permutation(indices, 4, capacity: without.counts.Max());
        Assert.Equal(DenseToSparseTests.Longs(without.slots), DenseToSparseTests.Longs(with.slots));
        Assert.Equal(0, with.drop_rate);
    }

    [Fact]
    public void No_tokens_and_no_assignments_are_no_error()
    {
        using var scope = NewDisposeScope();
        using var empty = F.expert_permutation(zeros([2, 0, 3], ScalarType.Int64), 4);
        Assert.Equal([0, 5], empty.permute(zeros([2, 0, 5])).shape);
        Assert.Equal([2, 0, 5], empty.unpermute(zeros([0, 5]), zeros([2, 0, 3])).shape);
        using var unused = F.expert_permutation(full([3, 2], -1, ScalarType.Int64), 4);
        var x = ones(3, 5).requires_grad_();
        var rows = unused.permute(x);
        Assert.Equal([0, 5], rows.shape);
        var y = unused.unpermute(rows);
        Assert.All(ElementAccess.Values(y), value => Assert.Equal(0, value));
        y.sum().backward();
        Assert.All(ElementAccess.Values(x.grad!), value => Assert.Equal(0, value));
        Assert.Equal((0L, 0.0), (unused.assigned, unused.drop_rate));
    }

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Rows_of_16_bits_are_summed_in_32(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(5);
        var indices = tensor(Indices(random, 9, 4, 3, unused: false), [9, 3]);
        var x = OperatorContract.Logits(random, [9, 6], dtype, 1).requires_grad_();
        var weights = OperatorContract.Logits(random, [9, 3], ScalarType.Float32, 1).requires_grad_();
        using var permutation = F.expert_permutation(indices, 4);
        var y = permutation.unpermute(permutation.permute(x), weights);
        var exact = x.detach().to_type(ScalarType.Float32) * weights.detach().sum(1, keepdim: true);
        Assert.Equal(dtype, y.dtype);
        Assert.Equal(ElementAccess.Values(exact), ElementAccess.Values(y), (a, b) => Math.Abs(a - b) <= (Close.Epsilon(dtype) * Math.Abs(a)) + 1e-5);
        y.to_type(ScalarType.Float32).sum().backward();
        Assert.Equal((dtype, ScalarType.Float32), (x.grad!.dtype, weights.grad!.dtype));
        var sums = weights.detach().sum(1, keepdim: true).expand(9, 6);
        Assert.Equal(ElementAccess.Values(sums), ElementAccess.Values(x.grad), (a, b) => Math.Abs(a - b) <= Close.Epsilon(dtype) * 3);
    }

    [Fact]
    public void Strided_tokens_and_a_permutation_disposed_before_backward_make_no_difference()
    {
        using var scope = NewDisposeScope();
        var random = new Random(6);
        var indices = tensor(Indices(random, 8, 4, 2, unused: true), [2, 8]).transpose(0, 1);
        var x = OperatorContract.Logits(random, [3, 8], ScalarType.Float64, 1);
        Tensor plain = x.transpose(0, 1).contiguous().detach().requires_grad_(), strided = x.detach().requires_grad_();
        foreach (var (leaf, input) in (IEnumerable<(Tensor, Tensor)>)[(plain, plain), (strided, strided.transpose(0, 1))])
        {
            Tensor loss;
            using (var permutation = F.expert_permutation(indices, 4, capacity: 2))
            {
                loss = permutation.unpermute(permutation.permute(input).pow(2)).pow(2).sum();
            }

            loss.backward();
        }

        RoutingLossTests.AssertSame(plain.grad!.transpose(0, 1), strided.grad!, 1e-15);
    }

    [Fact]
    public void It_owns_three_tensors_and_results_belong_to_the_callers_scope()
    {
        using var outer = NewDisposeScope();
        var (indices, x) = (tensor(Indices(new Random(7), 8, 4, 2, unused: true), [8, 2]), ones(8, 3));
        var weights = ones(8, 2);
        long before = Live.Counts().Tensors;
        using (var scope = NewDisposeScope())
        {
            var permutation = F.expert_permutation(indices, 4);
            Assert.Equal(3, scope.DisposablesCount);
            var rows = permutation.permute(x);
            var y = permutation.unpermute(rows, weights);
            Assert.Equal((5, before + 5), (scope.DisposablesCount, Tensor.TotalCount));
            Assert.True(scope.Contains(rows) && scope.Contains(y));
            permutation.Dispose();
            Assert.Equal(before + 2, Tensor.TotalCount);
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    /// <summary>Different experts for each token, as a gate gives them, some slots unused.</summary>
    internal static long[] Indices(Random random, int tokens, int experts, int k, bool unused) =>
    [
        .. Enumerable.Range(0, tokens).SelectMany(_ =>
            Enumerable.Range(0, experts).OrderBy(_ => random.Next()).Take(k).Select((e, slot) => unused && slot > 0 && random.Next(4) == 0 ? -1L : e)),
    ];
}
