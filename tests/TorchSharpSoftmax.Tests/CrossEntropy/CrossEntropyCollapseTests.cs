using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>Where float32 formulas of cross-entropy give NaN or 0, ours do not. The letters are those of the paper's reference code's defects, as measured.</summary>
public sealed class CrossEntropyCollapseTests
{
    private const int Classes = 113;

    /// <summary>(a): the branch of s that is not taken has an infinite derivative at 1.</summary>
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.Float64)]
    public void A_logit_of_exactly_1_has_a_gradient(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        double[] row = [1, 0.5, -1, 1, 0, 2];
        foreach (long y in (long[])[0, 1, 3, 5])
        {
            AssertRow(dtype, row, y);
        }
    }

    /// <summary>(b): masking is -infinity.</summary>
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void Masked_logits_have_gradient_0_and_leave_the_others_alone(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        double[] row = [.. Enumerable.Range(0, Classes).Select(i => i % 3 == 1 ? double.NegativeInfinity : Math.Sin(i) * 5)];
        double[] gradient = AssertRow(dtype, row, 3);
        Assert.All(Enumerable.Range(0, Classes).Where(i => i % 3 == 1), i => Assert.Equal(0, gradient[i]));
    }

    /// <summary>(c): absorption. A float32 sum of terms is that of the largest one, and 1 - p is 0.</summary>
    [Theory]
    [InlineData(10)]
    [InlineData(1e3)]
    [InlineData(5e3)]
    [InlineData(1e4)]
    [InlineData(1e5)]
    [InlineData(1e6)]
    [InlineData(1e8)]
    public void Loss_and_gradient_are_exact_to_1e_6_however_large_the_logits(double size)
    {
        using var scope = NewDisposeScope();
        double[] split = [.. Enumerable.Range(0, Classes).Select(i => i == 7 ? size : -size)];
        double[] spread = [.. Enumerable.Range(0, Classes).Select(i => i == 7 ? size : Math.Sin(i) * size * (i % 2 == 0 ? 0.9 : 1e-6))];
        foreach (long y in (long[])[7, 0, 112])
        {
            double[] gradient = AssertRow(ScalarType.Float32, split, y);
            AssertRow(ScalarType.Float32, spread, y);
            Assert.NotEqual(0, gradient[y]);
        }
    }

    /// <summary>(d): sign(x) log(1 + |x|) has no gradient at 0 under autograd.</summary>
    [Fact]
    public void A_logit_of_0_has_a_gradient()
    {
        using var scope = NewDisposeScope();
        double[] row = [0, 1, -2, 0.5];
        foreach (var dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64])
        {
            Assert.True(AssertRow(dtype, row, 0)[0] < -0.5);
            Assert.True(AssertRow(dtype, [-0.0, .. row[1..]], 0)[0] < -0.5);
        }
    }

    /// <summary>(e): the sum of terms overflows, the loss does not.</summary>
    [Theory]
    [InlineData(ScalarType.Float32, 3.4028234663852886e38)]
    [InlineData(ScalarType.Float32, 1e38)]
    [InlineData(ScalarType.Float64, 1.7976931348623157e308)]
    public void A_sum_beyond_the_types_range_is_no_infinity(ScalarType dtype, double size)
    {
        using var scope = NewDisposeScope();
        double[] equal = [.. Enumerable.Repeat(size, Classes)];
        double[] gradient = AssertRow(dtype, equal, 5, units: 12);
        var x = tensor(equal, [1, Classes]).to_type(dtype);
        Assert.Equal(Math.Log(Classes), F.stablemax_cross_entropy(x, tensor([5L])).to_type(ScalarType.Float64).item<double>(), 1e-6);
        Assert.All(gradient, g => Assert.True(double.IsFinite(g)));
        AssertRow(dtype, [.. equal[..100], 0, 1, -1, -size, size / 2, .. equal[105..]], 101, units: 12);
    }

    /// <summary>Where float32's softmax has collapsed: 1 - p is what the other terms are, to rounding.</summary>
    [Theory]
    [InlineData(Reduction.Sum, 1)]
    [InlineData(Reduction.Sum, 7)]
    [InlineData(Reduction.Mean, 1)]
    [InlineData(Reduction.Mean, 7)]
    [InlineData(Reduction.Mean, 5107)]
    public void The_targets_gradient_is_exact_and_not_0_until_float32_has_no_smaller_number(Reduction reduction, int rows)
    {
        double last = reduction == Reduction.Mean && rows > 1 ? 103 - Math.Log(rows) : 100;
        foreach (double gap in (double[])[5, 17, 30, 50, 87, 88, last])
        {
            using var scope = NewDisposeScope();
            double[] row = [.. Enumerable.Range(0, Classes).Select(i => i == 3 ? gap : i == 9 ? 0 : -gap)]; // one rival, the others far below
            var x = tensor(row, [1, Classes], ScalarType.Float32).repeat(rows, 1).requires_grad_();
            double lead = (double)(float)gap;
            var loss = F.collapse_free_cross_entropy(x, full([rows], 3L, ScalarType.Int64), reduction: reduction);
            loss.backward();
            double share = reduction == Reduction.Mean ? 1.0 / rows : 1;
            double others = Math.Exp(-lead) + ((Classes - 2) * Math.Exp(-2 * lead)), tail = others / (1 + others) * share;
            double[] gradient = ElementAccess.Values(x.grad!);
            foreach (int r in (int[])[0, rows - 1])
            {
                AssertNear($"gap {gap}, gradient of the target", -tail, gradient[(r * Classes) + 3]);
                AssertNear($"gap {gap}, gradient of its rival", Math.Exp(-lead) / (1 + others) * share, gradient[(r * Classes) + 9]);
                Assert.True(gradient[(r * Classes) + 3] < 0 && gradient[(r * Classes) + 9] > 0);
            }

            AssertNear($"gap {gap}, loss", Log1P(others) * (reduction == Reduction.Sum ? rows : 1), loss.item<float>());
            if (gap >= 30)
            {
                var theirs = x.detach().requires_grad_();
                F.cross_entropy(theirs, full([rows], 3L, ScalarType.Int64), reduction: reduction).backward();
                Assert.Equal(0, ElementAccess.Values(theirs.grad!)[3]);
            }
        }
    }

    /// <summary>The same for probabilities that are one-hot, and nearly so: the rest of q is not lost beside it.</summary>
    [Theory]
    [InlineData(CrossEntropyLink.StableMax)]
    [InlineData(CrossEntropyLink.Softmax)]
    public void One_hot_probabilities_are_as_good_as_class_numbers(CrossEntropyLink link)
    {
        using var scope = NewDisposeScope();
        double size = link == CrossEntropyLink.Softmax ? 60 : 1e6;
        double[] row = [.. Enumerable.Range(0, Classes).Select(i => i == 3 ? size : -Math.Abs(Math.Sin(i)) * size)];
        double[] oneHot = [.. Enumerable.Range(0, Classes).Select(i => i == 3 ? 1.0 : 0)];
        var (byClass, byProbability) = (tensor(row, [1, Classes], ScalarType.Float32).requires_grad_(), tensor(row, [1, Classes], ScalarType.Float32).requires_grad_());
        var first = new CrossEntropyLoss(link, false).Of(byClass, tensor([3L]));
        var second = new CrossEntropyLoss(link, true).Of(byProbability, tensor(oneHot, [1, Classes], ScalarType.Float32));
        Assert.Equal(first.item<float>(), second.item<float>());
        Assert.True(first.item<float>() > 0);
        first.backward();
        second.backward();
        double[] expected = ElementAccess.Values(byClass.grad!), actual = ElementAccess.Values(byProbability.grad!);
        for (int i = 0; i < Classes; i++)
        {
            AssertNear($"{link} [{i}]", expected[i], actual[i]);
        }
    }

    /// <summary>Against the definition in double, leave-target-out. Answers the gradient.</summary>
    private static double[] AssertRow(ScalarType dtype, double[] row, long y, double units = 8)
    {
        var x = tensor(row, [1, row.Length], ScalarType.Float64).to_type(dtype).requires_grad_();
        var loss = F.stablemax_cross_entropy(x, tensor([y]));
        loss.backward();
        double[] logits = ElementAccess.Values(x), gradient = ElementAccess.Values(x.grad!);
        double top = logits.Max(), unit = S(top, 1); // terms over the largest: no sum overflows
        double target = S(logits[y], unit), rest = logits.Where((_, i) => i != y).Sum(z => S(z, unit));
        double tolerance = dtype == ScalarType.Float64 ? 1e-14 : dtype == ScalarType.Float32 ? Math.Min(1e-6, units * Close.Epsilon(dtype)) : 2 * Close.Epsilon(dtype);
        double ratio = rest / target;
        AssertNear($"loss of {dtype}, target {y}", Log1P(ratio), loss.to_type(ScalarType.Float64).item<double>(), tolerance);
        for (int i = 0; i < row.Length; i++)
        {
            double share = (i == y ? -rest : S(logits[i], unit)) / (rest + target);
            AssertNear($"gradient of {dtype} at {i}, target {y}", double.IsInfinity(logits[i]) ? 0 : share / (1 + Math.Abs(logits[i])), gradient[i], tolerance, Step(dtype));
        }

        return gradient;
    }

    private static double Log1P(double r) => r < 1e-4 ? r - (r * r * (0.5 - (r / 3) + (r * r / 4))) : Math.Log(1 + r);

    private static double S(double x, double unit) => x >= 0 ? (1 / unit) + (x / unit) : 1 / (1 - x) / unit;

    private static double Step(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 => double.Epsilon,
        ScalarType.Float32 => float.Epsilon,
        ScalarType.Float16 => Math.Pow(2, -24),
        _ => Math.Pow(2, -133),
    };

    private static void AssertNear(string what, double expected, double actual, double tolerance = 1e-6, double step = float.Epsilon) => Assert.True(
        Math.Abs(expected - actual) <= (tolerance * Math.Abs(expected)) + step, $"{what}: {actual:R}, exactly {expected:R}, relative {Math.Abs(expected - actual) / Math.Abs(expected):G3}.");
}
