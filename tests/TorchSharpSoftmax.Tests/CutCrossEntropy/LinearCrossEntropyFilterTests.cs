using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Filter = TorchSharpSoftmax.LinearCrossEntropyFilter;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>What a filter leaves out, how wrong it makes gradients, and that chance makes that right on average.</summary>
public sealed class LinearCrossEntropyFilterTests
{
    private const double Eps = 1.0 / 64;
    private const long Rows = 70, Features = 9, Classes = 157;

    public static TheoryData<LinearCrossEntropyMode> Modes => [LinearCrossEntropyMode.GradientInForward, LinearCrossEntropyMode.Recompute];

    [Theory]
    [MemberData(nameof(Modes))]
    public void The_loss_is_exact_and_each_gradient_off_by_no_more_than_eps_for_every_entry_left_out(LinearCrossEntropyMode mode)
    {
        using var scope = NewDisposeScope();
        var data = Peaked();
        foreach (double eps in (double[])[Eps, 1e-3, 1e-6])
        {
            var (exactLoss, exact, all) = Gradients(data, mode, Filter.None);
            var (loss, filtered, kept) = Gradients(data, mode, Filter.Threshold(eps));
            Assert.Equal(exactLoss, loss);
            Assert.Equal(1, all);
            Assert.InRange(kept, 1.0 / (2 * Classes), 1 - 1e-3);
            double ofInput = eps * ElementAccess.Values(data.Weight.abs().sum(dim: 0)).Max() / Rows, ofWeight = eps * ElementAccess.Values(data.Input.abs().sum(dim: 0)).Max() / Rows;
            double[] bounds = [ofInput, ofWeight, eps];
            for (int i = 0; i < 3; i++)
            {
                Assert.InRange(Distance(exact[i], filtered[i]).Max(), i < 2 ? double.Epsilon : 0, bounds[i]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_higher_threshold_keeps_less(LinearCrossEntropyMode mode)
    {
        using var scope = NewDisposeScope();
        var data = Peaked();
        double[] shares = [.. from eps in (double[])[1e-9, 1e-4, 1e-2, 0.3] select Gradients(data, mode, Filter.Threshold(eps)).Kept];
        Assert.Equal(shares.OrderDescending(), shares);
        Assert.True(shares[^1] < shares[0] / 3, string.Join(", ", shares));
    }

    /// <summary>The mean over many seeds comes nearer to the gradient than a filter without chance ever does.</summary>
    [Theory]
    [MemberData(nameof(Modes))]
    public void With_chance_gradients_are_right_on_average(LinearCrossEntropyMode mode)
    {
        using var scope = NewDisposeScope();
        const int seeds = 100;
        var data = Peaked();
        var exact = Gradients(data, mode, Filter.None).Gradients;
        var biased = Gradients(data, mode, Filter.Threshold(Eps)).Gradients;
        double[][] mean = [.. exact.Select(g => new double[g.Length])];
        for (int seed = 0; seed < seeds; seed++)
        {
            foreach (var (sum, gradient) in mean.Zip(Gradients(data, mode, Filter.Stochastic(Eps, seed)).Gradients))
            {
                for (int i = 0; i < sum.Length; i++)
                {
                    sum[i] += gradient[i] / seeds;
                }
            }
        }

        for (int i = 0; i < 2; i++)
        {
            double error = Norm(Distance(exact[i], mean[i])), without = Norm(Distance(exact[i], biased[i]));
            Assert.True(error < without / 2, $"gradient {i}: the mean of {seeds} seeds is off by {error}, the filter without chance by {without}, the gradient's norm is {Norm(exact[i])}.");
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void One_seed_always_chooses_alike_for_any_number_of_threads_and_another_one_otherwise(LinearCrossEntropyMode mode)
    {
        using var scope = NewDisposeScope();
        var data = Peaked();
        int threads = get_num_threads();
        try
        {
            set_num_threads(1);
            var first = Gradients(data, mode, Filter.Stochastic(Eps, 7));
            var other = Gradients(data, mode, Filter.Stochastic(Eps, 8));
            set_num_threads(2);
            var again = Gradients(data, mode, Filter.Stochastic(Eps, 7));
            Assert.Equal(first.Gradients, again.Gradients);
            Assert.Equal(first.Kept, again.Kept);
            Assert.NotEqual(first.Gradients[1], other.Gradients[1]);
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void The_kept_share_is_known_with_the_gradient_and_not_before()
    {
        using var scope = NewDisposeScope();
        var data = Peaked().Leaves();
        LinearCrossEntropyOutputs Outputs(LinearCrossEntropyMode mode) => F.linear_cross_entropy_outputs(
            data.Input, data.Weight, data.Target, LinearCrossEntropyResults.None, options: new() { mode = mode, filter = Filter.Threshold(Eps) });
        Assert.InRange(Outputs(LinearCrossEntropyMode.Auto).kept_share, 1e-3, 1);
        var later = Outputs(LinearCrossEntropyMode.Recompute);
        Assert.True(double.IsNaN(later.kept_share));
        later.loss.backward();
        Assert.InRange(later.kept_share, 1e-3, 1);
        using (no_grad())
        {
            Assert.True(double.IsNaN(Outputs(LinearCrossEntropyMode.Auto).kept_share));
        }
    }

    /// <summary>With a frozen bias forward saves the logits that will be kept: the gradients are then off by no more, for each upstream gradient.</summary>
    [Fact]
    public void Without_a_reduction_and_with_a_frozen_bias_a_filtered_backward_is_as_near_as_any()
    {
        using var scope = NewDisposeScope();
        var data = Peaked();
        using var upstream = rand([Rows], dtype: ScalarType.Float64) + 0.5;
        double[][] Of(Filter filter, bool frozen)
        {
            var (x, w) = (data.Input.detach().requires_grad_(), data.Weight.detach().requires_grad_());
            var b = frozen ? data.Bias! : data.Bias!.detach().requires_grad_();
            var loss = F.linear_cross_entropy(x, w, data.Target, b, reduction: Reduction.None, options: new() { filter = filter });
            loss.backward([upstream], retain_graph: true);
            double[] first = ElementAccess.Values(w.grad!);
            w.grad!.zero_();
            x.grad!.zero_();
            loss.backward([upstream]);
            Assert.Equal(first, ElementAccess.Values(w.grad!)); // what was saved is still there
            return [ElementAccess.Values(x.grad!), first];
        }

        var (exact, filtered, saved) = (Of(Filter.None, true), Of(Filter.Threshold(Eps), false), Of(Filter.Threshold(Eps), true));
        for (int i = 0; i < 2; i++)
        {
            double error = Norm(Distance(exact[i], saved[i])), without = Norm(Distance(exact[i], filtered[i]));
            Assert.InRange(error, 0.2 * without, 3 * without);
        }
    }

    [Fact]
    public void A_filter_is_a_value()
    {
        Assert.Equal(default, Filter.None);
        Assert.Equal(Filter.Stochastic(0.1, -3), Filter.Stochastic(0.1, -3));
        Assert.NotEqual(Filter.Stochastic(0.1, -3), Filter.Stochastic(0.1, 3));
        Assert.NotEqual(Filter.Stochastic(0.1, 0), Filter.Threshold(0.1));
        Assert.Equal((0.25, true, 5L), (Filter.Stochastic(0.25, 5).eps, Filter.Stochastic(0.25, 5).unbiased, Filter.Stochastic(0.25, 5).seed));
    }

    /// <summary>As in language: some classes are likely and targets everywhere, most are neither anywhere; between them probabilities of every size.</summary>
    private static LinearCrossEntropyData Peaked()
    {
        var random = new Random(3);
        var data = LinearCrossEntropyData.Of(new(), random, [Rows], Features, Classes, ScalarType.Float64);
        return data with
        {
            Bias = tensor([.. Enumerable.Range(0, (int)Classes).Select(i => -0.2 * i)]),
            Target = tensor([.. Enumerable.Range(0, (int)Rows).Select(_ => random.NextInt64(20))]),
        };
    }

    private static (double Loss, double[][] Gradients, double Kept) Gradients(LinearCrossEntropyData given, LinearCrossEntropyMode mode, Filter filter)
    {
        using var scope = NewDisposeScope();
        var data = given.Leaves();
        using var found = F.linear_cross_entropy_outputs(
            data.Input, data.Weight, data.Target, LinearCrossEntropyResults.None, data.Bias, reduction: Reduction.Mean, options: new() { mode = mode, filter = filter });
        found.loss.backward();
        return (found.loss.item<double>(), [.. data.Parameters.Select(parameter => ElementAccess.Values(parameter.grad!))], found.kept_share);
    }

    private static double[] Distance(double[] a, double[] b) => [.. a.Zip(b, (x, y) => Math.Abs(x - y))];

    private static double Norm(double[] x) => Math.Sqrt(x.Sum(v => v * v));
}
