using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>Where nothing counts, where logits are infinite or no numbers: what cross_entropy gives on the logits of linear.</summary>
public sealed class LinearCrossEntropyEdgeTests
{
    private static readonly LinearCrossEntropyMode[] s_modes = [LinearCrossEntropyMode.Auto, LinearCrossEntropyMode.Recompute];

    [Fact]
    public void Where_nothing_counts_a_mean_is_NaN_a_sum_0_and_every_gradient_0()
    {
        foreach (long rows in (long[])[3, 0])
        {
            foreach (double smoothing in (double[])[0, 0.3])
            {
                foreach (var reduction in (Reduction[])[Reduction.Mean, Reduction.Sum, Reduction.None])
                {
                    foreach (var mode in s_modes)
                    {
                        using var scope = NewDisposeScope();
                        var sample = new LinearCrossEntropyCase { Bias = true, Weighted = true, Smoothing = smoothing, Reduction = reduction, Mode = mode, IgnoredEvery = 1, ZLoss = 0.1 };
                        var data = LinearCrossEntropyData.Of(sample, new Random(1), [rows], 4, 5, ScalarType.Float32).Leaves();
                        var loss = sample.Of(data);
                        Assert.All(ElementAccess.Values(loss), v => Assert.Equal(reduction == Reduction.Mean ? double.NaN : 0, v));
                        AssertGradientsAre0(loss, data);
                    }
                }
            }
        }
    }

    [Fact]
    public void A_mean_over_nothing_is_0_where_that_is_asked_for()
    {
        foreach (var kind in (TargetKind[])[TargetKind.Classes, TargetKind.Sparse])
        {
            foreach (var mode in s_modes)
            {
                using var scope = NewDisposeScope();
                var sample = new LinearCrossEntropyCase { Kind = kind, Bias = true, Mode = mode, IgnoredEvery = 1, ZLoss = 0.1, TokenWeighted = true };
                var data = LinearCrossEntropyData.Of(sample, new Random(1), [3], 4, 5, ScalarType.Float32).Leaves();
                var options = sample.Options(data) with { all_ignored = LinearCrossEntropyAllIgnored.Zero };
                var loss = F.linear_cross_entropy(data.Input, data.Weight, data.Target, data.Bias, options: options);
                Assert.Equal(0, loss.item<float>());
                AssertGradientsAre0(loss, data);
            }
        }
    }

    /// <summary>The policy is about means over nothing only.</summary>
    [Fact]
    public void The_policy_for_nothing_changes_no_other_loss()
    {
        using var scope = NewDisposeScope();
        var sample = new LinearCrossEntropyCase { IgnoredEvery = 2 };
        var data = LinearCrossEntropyData.Of(sample, new Random(2), [7], 4, 5, ScalarType.Float64);
        double expected = sample.Of(data).item<double>();
        foreach (var policy in Enum.GetValues<LinearCrossEntropyAllIgnored>())
        {
            Assert.Equal(expected, F.linear_cross_entropy(data.Input, data.Weight, data.Target, options: new() { all_ignored = policy }).item<double>());
        }

        var nothing = full([7], -100L, ScalarType.Int64);
        Assert.Equal(0, F.linear_cross_entropy(data.Input, data.Weight, nothing, reduction: Reduction.Sum, options: new() { all_ignored = LinearCrossEntropyAllIgnored.Throw }).item<double>());
    }

    [Fact]
    public void A_mean_over_classes_that_all_weigh_0_is_NaN_with_gradient_NaN()
    {
        foreach (var mode in s_modes)
        {
            using var scope = NewDisposeScope();
            var sample = new LinearCrossEntropyCase { Mode = mode };
            var data = LinearCrossEntropyData.Of(sample, new Random(3), [4], 3, 5, ScalarType.Float64).Leaves();
            var (target, weight) = (tensor([1L, 3L, 1L, -100L]), tensor([1.0, 0, 2, 0, 1]));
            var loss = F.linear_cross_entropy(data.Input, data.Weight, target, weight: weight, options: new() { mode = mode });
            Assert.Equal(double.NaN, loss.item<double>());
            loss.backward();
            Assert.All(ElementAccess.Values(data.Weight.grad!), g => Assert.Equal(double.NaN, g));
            Assert.All(ElementAccess.Values(data.Input.grad!).Take(9), g => Assert.Equal(double.NaN, g));
            Assert.All(ElementAccess.Values(data.Input.grad!).Skip(9), g => Assert.Equal(0, g)); // an ignored token has none
        }
    }

    /// <summary>Of a class that every token has so, by the bias.</summary>
    [Theory]
    [InlineData(double.NegativeInfinity)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NaN)]
    [InlineData(1e4)]
    [InlineData(-1e4)]
    public void A_logit_at_the_edge_gives_what_libtorch_gives(double edge)
    {
        foreach (var mode in s_modes)
        {
            foreach (int every in (int[])[5, 1, 2])
            {
                foreach (long y in (long[])[0, 1, 4])
                {
                    foreach (double smoothing in (double[])[0, 0.2])
                    {
                        using var scope = NewDisposeScope();
                        var sample = new LinearCrossEntropyCase { Bias = true };
                        var data = LinearCrossEntropyData.Of(sample, new Random(4), [3], 4, 7, ScalarType.Float64);
                        data = (data with { Bias = tensor([.. Enumerable.Range(0, 7).Select(i => i % every == 0 ? edge : 0.1 * i)]) }).Leaves();
                        var (target, theirs) = (tensor([y, -100L, y]), data.Leaves());
                        var actual = F.linear_cross_entropy(data.Input, data.Weight, target, data.Bias, label_smoothing: smoothing, options: new() { mode = mode });
                        var expected = F.cross_entropy(F.linear(theirs.Input, theirs.Weight, theirs.Bias), target, label_smoothing: smoothing);
                        string what = $"{edge} in every {every}, target {y}, smoothing {smoothing}, {mode}";
                        AssertClasses(what, expected, actual);
                        actual.backward();
                        expected.backward();
                        theirs.Input.grad![1] = zeros(4, ScalarType.Float64); // theirs of an ignored token is 0 times what its logits are
                        for (int i = 0; i < 3; i++)
                        {
                            AssertGradientClasses($"gradient {i}, {what}", theirs.Parameters[i].grad!, data.Parameters[i].grad!);
                        }
                    }
                }
            }
        }
    }

    [Fact]
    public void An_ignore_index_among_the_classes_ignores_that_class()
    {
        using var scope = NewDisposeScope();
        var data = LinearCrossEntropyData.Of(new(), new Random(5), [6], 4, 5, ScalarType.Float64);
        var target = tensor([0L, 3L, 2L, 3L, 4L, 0L]);
        foreach (long ignored in (long[])[3, 0, 4, 1, 1000, long.MinValue])
        {
            Assert.Equal(
                F.cross_entropy(F.linear(data.Input, data.Weight), target, ignore_index: ignored).item<double>(),
                F.linear_cross_entropy(data.Input, data.Weight, target, ignore_index: ignored).item<double>(), 1e-12);
        }

        Assert.Equal(
            F.linear_cross_entropy(data.Input, data.Weight, tensor([0L, -100L, 2L, -100L, 4L, 0L])).item<double>(),
            F.linear_cross_entropy(data.Input, data.Weight, target, ignore_index: 3).item<double>(), 1e-15);
    }

    /// <summary>What an ignored token's features are, nobody sees.</summary>
    [Fact]
    public void Ignored_tokens_may_be_NaN()
    {
        foreach (var mode in s_modes)
        {
            using var scope = NewDisposeScope();
            var data = LinearCrossEntropyData.Of(new(), new Random(6), [4], 3, 5, ScalarType.Float32);
            var input = data.Input.clone();
            input[1] = full([3], float.NaN);
            var (x, w) = (input.requires_grad_(), data.Weight.detach().requires_grad_());
            var loss = F.linear_cross_entropy(x, w, tensor([1L, -100L, 2L, 0L]), options: new() { mode = mode });
            loss.backward();
            Assert.True(float.IsFinite(loss.item<float>()));
            Assert.All(ElementAccess.Values(w.grad!), g => Assert.True(double.IsFinite(g)));
            Assert.Equal([0, 0, 0], ElementAccess.Values(x.grad![1]));
        }
    }

    /// <summary>Padded rows of a teacher's best: the entries that fill them up count nothing, wherever they stand.</summary>
    [Fact]
    public void Sparse_targets_filled_up_with_ignore_index_are_those_without()
    {
        using var scope = NewDisposeScope();
        var data = LinearCrossEntropyData.Of(new(), new Random(7), [2], 3, 4, ScalarType.Float64);
        Tensor Loss(Tensor target, Tensor probabilities) =>
            F.linear_cross_entropy(data.Input, data.Weight, target, reduction: Reduction.None, options: new() { target_probabilities = probabilities });
        double[] expected = ElementAccess.Values(Loss(tensor([1L, 0, 3, 2], [2, 2]), tensor([0.3, 0.7, 0.2, 0.5], [2, 2])));
        double[] actual = ElementAccess.Values(Loss(tensor([-100L, 1, 0, 3, -100, 2], [2, 3]), tensor([9, 0.3, 0.7, 0.2, double.NaN, 0.5], [2, 3])));
        Assert.Equal(expected, actual, (a, b) => Math.Abs(a - b) <= 1e-15);
    }

    /// <summary>A mask is a bias of -infinity. What a masked class counts is 0, and so is its gradient; all else is as if it were not there.</summary>
    [Theory]
    [InlineData(CrossEntropyLink.Softmax)]
    [InlineData(CrossEntropyLink.StableMax)]
    public void Masked_classes_are_as_if_they_were_not_there(CrossEntropyLink link)
    {
        foreach (var kind in Enum.GetValues<TargetKind>())
        {
            foreach (bool entropy in (bool[])[false, true])
            {
                using var scope = NewDisposeScope();
                var sample = new LinearCrossEntropyCase { Link = link, Kind = kind, Bias = true, Weighted = true };
                var shown = LinearCrossEntropyData.Of(sample, new Random(8), [5], 4, 9, ScalarType.Float64);
                var kept = tensor([.. Enumerable.Range(0, 9).Select(i => i * 2L)]); // every second of 18 is masked
                Tensor Masked(Tensor x, double others) => full([18, .. x.shape[1..]], others, ScalarType.Float64).index_copy(0, kept, x);
                var masked = shown with
                {
                    Weight = Masked(shown.Weight, 0.5),
                    Bias = Masked(shown.Bias!, double.NegativeInfinity),
                    ClassWeight = Masked(shown.ClassWeight!, 1),
                    Target = kind == TargetKind.Dense ? Masked(shown.Target.t(), 0).t() : where(shown.Target.lt(0), shown.Target, shown.Target * 2),
                };
                var (expected, actual) = (shown.Leaves(), masked.Leaves());
                Tensor Loss(LinearCrossEntropyData data)
                {
                    var found = LinearCrossEntropyDerivativeTests.Outputs(
                        sample, data, data.Parameters, entropy ? LinearCrossEntropyResults.Entropy : LinearCrossEntropyResults.None);
                    return entropy ? found.loss + (found.entropy! * found.entropy!).sum() : found.loss;
                }

                var (a, b) = (Loss(expected), Loss(actual));
                Assert.Equal(a.item<double>(), b.item<double>(), 1e-12);
                a.backward();
                b.backward();
                AssertNear(expected.Input.grad!, actual.Input.grad!);
                AssertNear(Masked(expected.Weight.grad!, 0), actual.Weight.grad!);
                AssertNear(Masked(expected.Bias!.grad!, 0), actual.Bias!.grad!);
            }
        }

        static void AssertNear(Tensor expected, Tensor actual) =>
            Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(actual), (e, a) => Math.Abs(e - a) <= 1e-12);
    }

    [Fact]
    public void A_head_without_features_has_its_bias_alone()
    {
        using var scope = NewDisposeScope();
        var data = LinearCrossEntropyData.Of(new() { Bias = true }, new Random(9), [3], 0, 4, ScalarType.Float64).Leaves();
        var loss = F.linear_cross_entropy(data.Input, data.Weight, data.Target, data.Bias, reduction: Reduction.None);
        var expected = data.Bias!.detach().logsumexp(0) - data.Bias.detach().index_select(0, data.Target);
        Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(loss), (e, a) => Math.Abs(e - a) <= 1e-14);
        loss.sum().backward();
        Assert.Equal([4, 0], data.Weight.grad!.shape);
        Assert.Equal(0, data.Bias.grad!.sum().item<double>(), 1e-14);
    }

    private static void AssertGradientsAre0(Tensor loss, LinearCrossEntropyData data)
    {
        autograd.backward(loss, ones_like(loss));
        Assert.All(data.Parameters, parameter => Assert.All(ElementAccess.Values(parameter.grad!), g => Assert.Equal(0, g)));
    }

    private static void AssertClasses(string what, Tensor expected, Tensor actual)
    {
        var (e, a) = (expected.item<double>(), actual.item<double>());
        Assert.True(double.IsFinite(e) ? Math.Abs(e - a) <= 1e-12 * (1 + Math.Abs(e)) : e.Equals(a), $"{what}: {a}, {e} in libtorch.");
    }

    private static void AssertGradientClasses(string what, Tensor expected, Tensor actual)
    {
        foreach (var (e, a) in ElementAccess.Values(expected).Zip(ElementAccess.Values(actual)))
        {
            Assert.True(double.IsFinite(e) ? Math.Abs(e - a) <= 1e-12 * (1 + Math.Abs(e)) : double.IsNaN(a), $"{what}: {a}, {e} in libtorch.");
        }
    }
}
