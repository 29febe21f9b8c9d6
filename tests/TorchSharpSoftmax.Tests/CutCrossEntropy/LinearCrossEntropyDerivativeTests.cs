using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>First and second derivatives against differences, and what becomes of them when a graph is used more than once.</summary>
public sealed class LinearCrossEntropyDerivativeTests
{
    private const int Parts = 4;

    public static TheoryData<int> EveryPart => [.. Enumerable.Range(0, Parts)];

    [Theory]
    [MemberData(nameof(EveryPart))]
    public void First_and_second_derivatives_pass_gradcheck(int part)
    {
        foreach (var (i, sample) in LinearCrossEntropyCase.Pairs.Index().Where(pair => pair.Index % Parts == part))
        {
            using var scope = NewDisposeScope();
            var data = LinearCrossEntropyData.Of(sample, new Random(i), sample.Shift > 0 ? [2, 3] : [3], 2, 4, ScalarType.Float64).Leaves();
            Tensor Function(Tensor[] t) => sample.Of(data, t[0], t[1], t.Length > 2 ? t[2] : null);
            Assert.True(torch.autograd.gradcheck(Function, data.Parameters, check_grad_dtypes: true), sample.ToString());
            Assert.True(torch.autograd.gradgradcheck(Function, data.Parameters, check_grad_dtypes: true), sample.ToString());
        }
    }

    [Fact]
    public void Log_sum_exp_entropy_and_likelihood_pass_gradcheck_together_and_each_alone()
    {
        foreach (var (i, sample) in LinearCrossEntropyCase.Pairs.Index().Where((_, i) => i % 3 == 0))
        {
            using var scope = NewDisposeScope();
            var data = LinearCrossEntropyData.Of(sample, new Random(i), sample.Shift > 0 ? [2, 3] : [3], 2, 4, ScalarType.Float64).Leaves();
            foreach (int wanted in (int[])[1, 2, 4, 7])
            {
                Tensor Function(Tensor[] t)
                {
                    var found = Outputs(sample, data, t, (LinearCrossEntropyResults)wanted);
                    var sum = found.loss.sum() * 0.5;
                    sum = found.lse is { } lse ? sum + (lse * lse).sum() : sum;
                    sum = found.entropy is { } entropy ? sum + (entropy * entropy * 0.3).sum() : sum;
                    return found.nll is { } nll ? sum + nll.pow(3).sum() : sum;
                }

                Assert.True(torch.autograd.gradcheck(Function, data.Parameters), sample.ToString());
                Assert.True(torch.autograd.gradgradcheck(Function, data.Parameters), sample.ToString());
            }
        }
    }

    [Fact]
    public void Probabilities_and_class_weights_beside_them_have_derivatives_too()
    {
        foreach (var kind in (TargetKind[])[TargetKind.Sparse, TargetKind.Dense])
        {
            foreach (var reduction in (Reduction[])[Reduction.Mean, Reduction.None])
            {
                using var scope = NewDisposeScope();
                var sample = new LinearCrossEntropyCase { Kind = kind, Weighted = true, Smoothing = 0.2, Reduction = reduction, Softcap = 3 };
                var data = LinearCrossEntropyData.Of(sample, new Random(5), [3], 2, 4, ScalarType.Float64).Leaves();
                var probabilities = (kind == TargetKind.Dense ? data.Target : data.Probabilities!).detach().requires_grad_();
                var weight = data.ClassWeight!.detach().requires_grad_();
                Tensor Function(Tensor[] t)
                {
                    var given = data with
                    {
                        Target = kind == TargetKind.Dense ? t[2] : data.Target,
                        Probabilities = kind == TargetKind.Sparse ? t[2] : null,
                        ClassWeight = t[3],
                    };
                    return sample.Of(given, t[0], t[1], null);
                }

                Assert.True(torch.autograd.gradcheck(Function, [data.Input, data.Weight, probabilities, weight]));
                Assert.True(torch.autograd.gradgradcheck(Function, [data.Input, data.Weight, probabilities, weight]));
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Under_create_graph_the_gradients_are_those_without_it_to_rounding(ScalarType dtype)
    {
        foreach (var (i, sample) in LinearCrossEntropyCase.Pairs.Index())
        {
            using var scope = NewDisposeScope();
            var random = new Random(i);
            var data = LinearCrossEntropyData.Of(sample, random, sample.Shift > 0 ? [3, 5] : [15], 7, 19, dtype);
            var (plain, graphed) = (data.Leaves(), data.Leaves());
            var loss = sample.Of(plain);
            var dy = LinearCrossEntropyTests.Upstream(loss, random);
            autograd.backward(loss, dy);
            autograd.backward(sample.Of(graphed), dy, create_graph: true);
            foreach (var (expected, actual) in plain.Parameters.Zip(graphed.Parameters))
            {
                var withGraph = actual.grad!;
                actual.grad = null;
                Assert.True(withGraph.requires_grad);
                double most = expected.grad!.abs().max().to_type(ScalarType.Float64).item<double>(), allowed = (most * 6 * Close.Epsilon(dtype)) + 1e-6;
                Assert.Equal(ElementAccess.Values(expected.grad!), ElementAccess.Values(withGraph), (a, b) => Math.Abs(a - b) <= allowed);
            }
        }
    }

    /// <summary>1 and 0.25, as a loss alone and one of four accumulated ones have it; 0; and NaN, which equals itself here.</summary>
    [Theory]
    [InlineData(ScalarType.Float64, 1, 1)]
    [InlineData(ScalarType.Float64, 0.25, 0.25)]
    [InlineData(ScalarType.Float64, 1, 0.25)]
    [InlineData(ScalarType.Float64, 0.25, 1)]
    [InlineData(ScalarType.Float64, 0, -3)]
    [InlineData(ScalarType.Float64, double.NaN, 2)]
    [InlineData(ScalarType.Float64, double.NaN, double.NaN)]
    [InlineData(ScalarType.Float32, 0.25, 0.75)]
    [InlineData(ScalarType.BFloat16, 0.25, 0.75)]
    [InlineData(ScalarType.Float16, 0.75, 0.75)]
    public void A_second_backward_over_a_retained_graph_is_right_for_the_same_and_for_another_upstream_gradient(ScalarType dtype, double first, double second)
    {
        foreach (var mode in (LinearCrossEntropyMode[])[LinearCrossEntropyMode.GradientInForward, LinearCrossEntropyMode.Recompute])
        {
            using var scope = NewDisposeScope();
            var random = new Random(3);
            var sample = new LinearCrossEntropyCase { Bias = true, Weighted = true, ZLoss = 0.1, IgnoredEvery = 4, Mode = mode };
            var data = LinearCrossEntropyData.Of(sample, random, [13], 7, 19, dtype).Leaves();
            var loss = sample.Of(data);
            double[][] once = Grads(loss, data, first), twice = Grads(loss, data, second), again = Grads(loss, data, second), back = Grads(loss, data, first);
            Assert.Equal(twice, again);
            Assert.Equal(once, back);
            foreach (var (upstream, actual) in (IEnumerable<(double, double[][])>)[(first, once), (second, twice)])
            {
                var fresh = data.Leaves();
                double[][] expected = Grads(sample.Of(fresh), fresh, upstream);
                Assert.Equal(expected, actual);
            }
        }
    }

    /// <summary>The gradients that the first backward handed out are never touched again.</summary>
    [Fact]
    public void Gradients_in_the_callers_hands_stay_as_they_are()
    {
        using var scope = NewDisposeScope();
        var sample = new LinearCrossEntropyCase { Bias = true };
        var data = LinearCrossEntropyData.Of(sample, new Random(4), [13], 7, 19, ScalarType.Float64).Leaves();
        var loss = sample.Of(data);
        var held = autograd.grad([loss], data.Parameters, [tensor(0.5, ScalarType.Float64)], retain_graph: true);
        double[][] before = [.. held.Select(ElementAccess.Values)];
        foreach (double upstream in (double[])[2, 0.5, -1])
        {
            _ = autograd.grad([loss], data.Parameters, [tensor(upstream, ScalarType.Float64)], retain_graph: true);
        }

        Assert.Equal(before, held.Select(ElementAccess.Values));
    }

    /// <summary>Clipping and optimizers change it in place. A large leaf's is the very memory that forward saved.</summary>
    [Theory]
    [InlineData(7)]
    [InlineData(4000)]
    public void A_leafs_gradient_may_be_changed_in_place_between_two_backward_passes(long features)
    {
        using var scope = NewDisposeScope();
        var sample = new LinearCrossEntropyCase { Bias = true };
        var data = LinearCrossEntropyData.Of(sample, new Random(4), [13], features, 19, ScalarType.Float64).Leaves();
        var loss = sample.Of(data);
        double[][] once = Grads(loss, data, 0.5, after: parameter => parameter.grad!.mul_(3));
        double[][] twice = Grads(loss, data, 0.5);
        Assert.Equal(twice, once);
    }

    /// <summary>It was given away, whatever its size.</summary>
    [Theory]
    [InlineData(7)]
    [InlineData(4000)]
    public void A_gradient_from_autograd_grad_may_be_changed_in_place_before_the_next_backward(long features)
    {
        using var scope = NewDisposeScope();
        var sample = new LinearCrossEntropyCase();
        var data = LinearCrossEntropyData.Of(sample, new Random(4), [13], features, 19, ScalarType.Float64).Leaves();
        var loss = sample.Of(data);
        var held = autograd.grad([loss], data.Parameters, retain_graph: true);
        double[][] first = [.. held.Select(ElementAccess.Values)];
        held[1].mul_(2);
        Assert.Equal(first, Grads(loss, data, 1));
    }

    [Fact]
    public void A_weight_that_was_changed_after_forward_makes_backward_refuse_as_libtorchs_linear_does()
    {
        using var scope = NewDisposeScope();
        var sample = new LinearCrossEntropyCase();
        var data = LinearCrossEntropyData.Of(sample, new Random(4), [13], 7, 19, ScalarType.Float64).Leaves();
        foreach (var mode in (LinearCrossEntropyMode[])[LinearCrossEntropyMode.GradientInForward, LinearCrossEntropyMode.Recompute])
        {
            var loss = (sample with { Mode = mode }).Of(data);
            using (no_grad())
            {
                data.Weight.mul_(1.5);
            }

            Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => loss.backward());
            Assert.Contains("modified by an inplace operation", Diagnostics.TakeBackwardError()!.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(Reduction.Mean)]
    [InlineData(Reduction.None)]
    public void A_frozen_side_gets_no_gradient_and_changes_no_other(Reduction reduction)
    {
        using var scope = NewDisposeScope();
        var random = new Random(5);
        var sample = new LinearCrossEntropyCase { Bias = true, Reduction = reduction, IgnoredEvery = 3, Softcap = 4 };
        var data = LinearCrossEntropyData.Of(sample, random, [13], 7, 19, ScalarType.Float64);
        var all = data.Leaves();
        var dy = LinearCrossEntropyTests.Upstream(sample.Of(data), random);
        autograd.backward(sample.Of(all), dy);
        for (int wanted = 1; wanted < 7; wanted++)
        {
            Tensor Frozen(Tensor x, int bit) => (wanted & bit) != 0 ? x.detach().requires_grad_() : x.detach();
            var some = data with { Input = Frozen(data.Input, 1), Weight = Frozen(data.Weight, 2), Bias = Frozen(data.Bias!, 4) };
            autograd.backward(sample.Of(some), dy);
            for (int i = 0; i < 3; i++)
            {
                if ((wanted & (1 << i)) == 0)
                {
                    Assert.Null(some.Parameters[i].grad);
                }
                else
                {
                    Assert.Equal(ElementAccess.Values(all.Parameters[i].grad!), ElementAccess.Values(some.Parameters[i].grad!), (a, b) => Math.Abs(a - b) <= 1e-14);
                }
            }
        }
    }

    /// <summary>As in a network: the input is no leaf, and the weight is tied to what made it.</summary>
    [Theory]
    [InlineData(LinearCrossEntropyMode.GradientInForward)]
    [InlineData(LinearCrossEntropyMode.Recompute)]
    public void Gradients_flow_on_through_the_input_and_a_tied_weight(LinearCrossEntropyMode mode)
    {
        using var scope = NewDisposeScope();
        var sample = new LinearCrossEntropyCase { Mode = mode };
        var data = LinearCrossEntropyData.Of(sample, new Random(6), [5], 3, 6, ScalarType.Float64);
        Tensor Loss(Tensor weight) => sample.Of(data, (data.Input.matmul(weight.t()).tanh()).matmul(weight), weight, null);
        Assert.True(torch.autograd.gradcheck(t => Loss(t), data.Weight.detach().requires_grad_()));
        Assert.True(torch.autograd.gradgradcheck(t => Loss(t), data.Weight.detach().requires_grad_()));
    }

    /// <summary>Every way to the weight counts once, under <c>create_graph</c> too, of which gradgradcheck alone sees nothing: it differentiates what it is given.</summary>
    [Theory]
    [InlineData(LinearCrossEntropyMode.GradientInForward, false)]
    [InlineData(LinearCrossEntropyMode.GradientInForward, true)]
    [InlineData(LinearCrossEntropyMode.Recompute, false)]
    [InlineData(LinearCrossEntropyMode.Recompute, true)]
    public void Under_create_graph_a_tied_weight_has_the_gradient_that_it_has_without(LinearCrossEntropyMode mode, bool same)
    {
        using var scope = NewDisposeScope();
        var sample = new LinearCrossEntropyCase { Mode = mode };
        var data = LinearCrossEntropyData.Of(sample, new Random(6), [6], 3, 6, ScalarType.Float64);
        double[] Grad(bool create_graph)
        {
            var weight = data.Weight.detach().requires_grad_();
            var input = same ? weight : data.Input.matmul(weight.t()).tanh().matmul(weight);
            autograd.backward(sample.Of(data, input, weight, null), create_graph: create_graph);
            double[] grad = ElementAccess.Values(weight.grad!);
            weight.grad = null;
            return grad;
        }

        Assert.Equal(Grad(create_graph: false), Grad(create_graph: true), (a, b) => Math.Abs(a - b) <= 1e-12);
    }

    [Fact]
    public void Without_grad_mode_there_is_no_graph()
    {
        using var scope = NewDisposeScope();
        var sample = new LinearCrossEntropyCase { Bias = true };
        var data = LinearCrossEntropyData.Of(sample, new Random(7), [5], 3, 6, ScalarType.Float32).Leaves();
        var graphed = sample.Of(data);
        using (no_grad())
        {
            var loss = sample.Of(data);
            Assert.False(loss.requires_grad);
            Assert.Equal(graphed.item<float>(), loss.item<float>(), 1e-6f);
        }
    }

    internal static LinearCrossEntropyOutputs Outputs(LinearCrossEntropyCase sample, LinearCrossEntropyData data, Tensor[] t, LinearCrossEntropyResults wanted) =>
        F.linear_cross_entropy_outputs(
            t[0], t[1], data.Target, wanted, t.Length > 2 ? t[2] : null, data.ClassWeight, sample.Reduction, -100, sample.Smoothing, sample.Options(data));

    private static double[][] Grads(Tensor loss, LinearCrossEntropyData data, double upstream, Action<Tensor>? after = null)
    {
        autograd.backward(loss, tensor(upstream, loss.dtype), retain_graph: true);
        double[][] grads = [.. data.Parameters.Select(parameter => ElementAccess.Values(parameter.grad!))];
        foreach (var parameter in data.Parameters)
        {
            after?.Invoke(parameter);
            parameter.grad = null;
        }

        return grads;
    }
}
