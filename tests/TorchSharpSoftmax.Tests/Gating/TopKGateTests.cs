using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>The function: values, gradients and choices against libtorch's operators, whatever the dtype, shape and strides.</summary>
public sealed class TopKGateTests
{
    [Fact]
    public void Values_and_gradients_in_float64_are_those_of_libtorchs_operators()
    {
        using var scope = NewDisposeScope();
        foreach (var sample in TopKGateCase.All)
        {
            foreach (long[] shape in (long[][])[[37, 12], [12], [3, 5, 12], [1, 12]])
            {
                var x = TopKGateCase.Apart(new Random(1), shape, ScalarType.Float64);
                Tensor ours = x.detach().requires_grad_(), theirs = x.detach().requires_grad_();
                var found = sample.Of(ours);
                var (weights, lse, mean) = sample.Reference(theirs, found.indices);
                AssertNear($"weights of {sample}", weights, found.weights, 1e-12);
                AssertNear($"lse of {sample}", lse, found.lse!, 1e-12);
                AssertNear($"mean of {sample}", mean, found.mean_probability!, 1e-12);
                var (dw, dl, dm) = (Upstream(2, weights), Upstream(3, lse), Upstream(4, mean));
                foreach (int parts in (int[])[1, 2, 4, 7])
                {
                    (ours.grad, theirs.grad) = (null, null);
                    var (again, expected) = (sample.Of(ours), sample.Reference(theirs, found.indices));
                    Loss(parts, again.weights, again.lse!, again.mean_probability!).backward();
                    Loss(parts, expected.Weights, expected.Lse, expected.Mean).backward();
                    AssertNear($"gradient of {sample}, parts {parts}", theirs.grad!, ours.grad!, 1e-12);
                    Assert.Equal(x.shape, ours.grad!.shape);
                }

                Tensor Loss(int parts, Tensor w, Tensor l, Tensor m) =>
                    (((parts & 1) != 0 ? (w * dw).sum() : zeros(1, ScalarType.Float64)) + ((parts & 2) != 0 ? (l * dl).sum() : zeros(1, ScalarType.Float64))
                        + ((parts & 4) != 0 ? (m * dm).sum() : zeros(1, ScalarType.Float64))).sum();
            }
        }
    }

    [Fact]
    public void Without_statistics_weights_and_gradients_are_the_same()
    {
        using var scope = NewDisposeScope();
        foreach (var sample in TopKGateCase.All)
        {
            var x = TopKGateCase.Apart(new Random(5), [29, 12], ScalarType.Float32);
            Tensor a = x.detach().requires_grad_(), b = x.detach().requires_grad_();
            TopKGateOutputs full = sample.Of(a), bare = sample.Of(b, statistics: false);
            Assert.Null(bare.lse);
            Assert.Null(bare.mean_probability);
            Assert.Equal(ElementAccess.Values(full.weights), ElementAccess.Values(bare.weights));
            Assert.Equal(Numbers(full.indices), Numbers(bare.indices));
            Assert.Equal(Numbers(full.counts), Numbers(bare.counts));
            var dw = Upstream(6, full.weights);
            (full.weights * dw).sum().backward();
            (bare.weights * dw).sum().backward();
            Assert.Equal(ElementAccess.Values(a.grad!), ElementAccess.Values(b.grad!));
        }
    }

    [Fact]
    public void The_composition_chooses_and_computes_as_the_kernel()
    {
        using var scope = NewDisposeScope();
        foreach (var sample in TopKGateCase.All)
        {
            foreach (bool tied in (bool[])[false, true])
            {
                var x = tied ? (TopKGateCase.Apart(new Random(7), [40, 12], ScalarType.Float64) * 0.7).round() : TopKGateCase.Apart(new Random(7), [40, 12], ScalarType.Float64);
                Tensor a = x.detach().requires_grad_(), b = x.detach().requires_grad_();
                var rule = TopKGateArguments.Rule(12, sample.K, sample.Mode, sample.Groups, sample.KeptGroups, sample.Scale);
                var call = new TopKGateCall(new(40, 12, (nint)sample.K), rule, sample.Bias(ScalarType.Float64), true);
                TopKGateOutputs kernel = sample.Of(a), composed = TopKGates.Composed(b, call);
                Assert.Equal(Numbers(kernel.indices), Numbers(composed.indices));
                Assert.Equal(Numbers(kernel.counts), Numbers(composed.counts));
                AssertNear("weights", composed.weights, kernel.weights, 1e-12);
                AssertNear("lse", composed.lse!, kernel.lse!, 1e-12);
                AssertNear("mean", composed.mean_probability!, kernel.mean_probability!, 1e-12);
                var dw = Upstream(8, kernel.weights);
                ((kernel.weights * dw).sum() + (kernel.lse! * kernel.lse!).sum()).backward();
                ((composed.weights * dw).sum() + (composed.lse! * composed.lse!).sum()).backward();
                AssertNear("gradient", b.grad!, a.grad!, 1e-12);
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Narrow_logits_are_routed_in_float32(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        foreach (var sample in TopKGateCase.All)
        {
            var x = TopKGateCase.Apart(new Random(9), [50, 12], dtype);
            Tensor ours = x.detach().requires_grad_(), wide = x.to_type(ScalarType.Float32).detach().requires_grad_();
            Tensor exact = x.to_type(ScalarType.Float64).detach().requires_grad_();
            TopKGateOutputs found = sample.Of(ours), single = sample.Of(wide);
            Assert.Equal(ScalarType.Float32, found.weights.dtype);
            Assert.Equal(ScalarType.Float32, found.lse!.dtype);
            Assert.Equal(ScalarType.Float32, found.mean_probability!.dtype);
            Assert.Equal(Numbers(single.indices), Numbers(found.indices)); // nothing is rounded before the choice
            Assert.Equal(ElementAccess.Values(single.weights), ElementAccess.Values(found.weights));
            var (weights, _, mean) = sample.Reference(exact, found.indices);
            AssertNear("weights", weights, found.weights.to_type(ScalarType.Float64), 40 * Close.Epsilon(ScalarType.Float32));
            AssertNear("mean", mean, found.mean_probability!.to_type(ScalarType.Float64), 40 * Close.Epsilon(ScalarType.Float32));
            var dw = Upstream(10, found.weights);
            (found.weights * dw).sum().backward();
            (weights * dw.to_type(ScalarType.Float64)).sum().backward();
            Assert.Equal(dtype, ours.grad!.dtype);
            AssertNear("gradient", exact.grad!, ours.grad!.to_type(ScalarType.Float64), (2 * Close.Epsilon(dtype)) + (40 * Close.Epsilon(ScalarType.Float32)));
        }
    }

    [Fact]
    public void Strides_change_nothing()
    {
        using var scope = NewDisposeScope();
        foreach (var sample in TopKGateCase.All)
        {
            var x = TopKGateCase.Apart(new Random(11), [4, 6, 12], ScalarType.Float32);
            var plain = x.detach().requires_grad_();
            var expected = sample.Of(plain);
            var dw = Upstream(12, expected.weights);
            (expected.weights * dw).sum().backward();
            var transposed = x.permute(2, 0, 1).contiguous().requires_grad_();
            var padded = cat([x, x], 2).requires_grad_();
            foreach (var (leaf, view) in ((Tensor, Tensor)[])[(transposed, transposed.permute(1, 2, 0)), (padded, padded.narrow(2, 12, 12))])
            {
                Assert.False(view.is_contiguous());
                var found = sample.Of(view);
                Assert.Equal(ElementAccess.Values(expected.weights), ElementAccess.Values(found.weights));
                Assert.Equal(Numbers(expected.indices), Numbers(found.indices));
                (found.weights * dw.transpose(0, 1).contiguous().transpose(0, 1)).sum().backward();
                var gradient = ReferenceEquals(leaf, transposed) ? leaf.grad!.permute(1, 2, 0) : leaf.grad!.narrow(2, 12, 12);
                Assert.Equal(ElementAccess.Values(plain.grad!), ElementAccess.Values(gradient.contiguous()));
            }
        }
    }

    [Fact]
    public void Of_eight_zeros_the_first_k_are_kept_on_every_number_of_threads()
    {
        using var scope = NewDisposeScope();
        var x = zeros(9000, 8);
        int threads = get_num_threads();
        try
        {
            foreach (int n in (int[])[1, 2, 3])
            {
                set_num_threads(n);
                var found = nn.functional.topk_gate(x, 3);
                Assert.Equal(Enumerable.Range(0, 27000).Select(i => (long)(i % 3)), Numbers(found.indices));
                Assert.Equal([9000, 9000, 9000, 0, 0, 0, 0, 0], Numbers(found.counts));
                Assert.All(ElementAccess.Values(found.mean_probability!), p => Assert.Equal(0.125, p));
            }
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void One_kept_logit_has_no_gradient_and_softmaxs_has_one_for_every_expert()
    {
        using var scope = NewDisposeScope();
        var x = TopKGateCase.Apart(new Random(13), [20, 12], ScalarType.Float64);
        foreach (var mode in Enum.GetValues<TopKGateMode>())
        {
            var leaf = x.detach().requires_grad_();
            var weights = nn.functional.topk_gate(leaf, 1, mode).weights;
            (weights * Upstream(14, weights)).sum().backward();
            Assert.All(ElementAccess.Values(leaf.grad!), d => Assert.Equal(mode == TopKGateMode.Softmax, Math.Abs(d) > 1e-15));
        }
    }

    [Fact]
    public void No_token_gives_empty_results_and_gradients()
    {
        using var scope = NewDisposeScope();
        foreach (var sample in TopKGateCase.All)
        {
            var leaf = zeros([2, 0, 12], ScalarType.Float32).requires_grad_();
            var found = sample.Of(leaf);
            Assert.Equal([2, 0, sample.K], found.weights.shape);
            Assert.Equal([2, 0, sample.K], found.indices.shape);
            Assert.Equal([2, 0], found.lse!.shape);
            Assert.All(Numbers(found.counts), count => Assert.Equal(0, count));
            Assert.All(ElementAccess.Values(found.mean_probability!), mean => Assert.Equal(double.NaN, mean));
            (found.weights.sum() + found.lse!.sum()).backward();
            Assert.Equal([2, 0, 12], leaf.grad!.shape);
        }
    }

    [Fact]
    public void Rows_that_are_no_numbers_are_as_documented_by_kernel_and_composition()
    {
        using var scope = NewDisposeScope();
        const float nan = float.NaN, inf = float.PositiveInfinity;
        var x = tensor(new[] { 1, nan, 3, 0, -inf, -inf, -inf, -inf, 1, inf, 3, 0, -inf, 2, -inf, -inf }, [4, 4], ScalarType.Float32);
        var call = new TopKGateCall(new(4, 4, 2), new(TopKGateMode.KeptSoftmax), null, true);
        foreach (var found in (TopKGateOutputs[])[nn.functional.topk_gate(x, 2), TopKGates.Composed(x, call)])
        {
            Assert.Equal([2, 0, 0, 1, 1, 2, 1, 0], Numbers(found.indices));
            Assert.Equal([nan, nan, nan, nan, nan, nan, 1, 0], ElementAccess.Values(found.weights));
            Assert.Equal([nan, -inf, inf, 2], ElementAccess.Values(found.lse!));
            Assert.All(ElementAccess.Values(found.mean_probability!), mean => Assert.Equal(nan, mean));
        }
    }

    [Fact]
    public void A_group_of_no_numbers_is_kept_after_one_with_a_number_by_kernel_and_composition()
    {
        using var scope = NewDisposeScope();
        const double nan = double.NaN;
        var x = tensor(new[] { nan, nan, nan, nan, -2, nan, nan, nan, nan, 1, 3, nan, nan, nan, nan, nan, nan, nan }, [3, 6]);
        foreach ((long kept, long[] expected) in ((long, long[])[])[(1, [4, 5, 3, 2, 0, 1]), (2, [4, 0, 4, 3, 0, 1])])
        {
            var call = new TopKGateCall(new(3, 6, 2), new(TopKGateMode.Sigmoid, 3, (nint)kept), null, true);
            Assert.Equal(expected, Numbers(TopKGates.Composed(x, call).indices));
            Assert.Equal(expected, Numbers(nn.functional.topk_gate(x, 2, TopKGateMode.Sigmoid, null, 3, kept).indices));
            Assert.Equal(expected, Numbers(nn.functional.topk_gate(x.to_type(ScalarType.Float32), 2, TopKGateMode.Sigmoid, null, 3, kept).indices));
        }
    }

    internal static long[] Numbers(Tensor x) => [.. ElementAccess.Values(x.to_type(ScalarType.Float64)).Select(v => (long)v)];

    internal static Tensor Upstream(int seed, Tensor like)
    {
        var random = new Random(seed);
        double[] values = [.. Enumerable.Range(0, (int)like.numel()).Select(_ => random.NextDouble() - 0.4)];
        return tensor(values, like.shape, like.dtype);
    }

    internal static void AssertNear(string what, Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        foreach (var (e, a) in ElementAccess.Values(expected).Zip(ElementAccess.Values(actual)))
        {
            Assert.True(Math.Abs(e - a) <= tolerance * (1 + Math.Abs(e)), $"{what}: {a:R} where {e:R} is expected.");
        }
    }
}
