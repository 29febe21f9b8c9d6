using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>The metrics against counts by hand, at the very gaps where each dtype begins to absorb.</summary>
public sealed class GrokkingMetricsTests
{
    /// <summary>With one other class the sum is 1 + e^-gap, which rounds to 1 once e^-gap is at most half an ulp: gaps of 16.64, 36.74, 7.62 and 5.55.</summary>
    [Theory]
    [InlineData(ScalarType.Float32, 16.5, 16.8)]
    [InlineData(ScalarType.Float64, 36.5, 36.9)]
    [InlineData(ScalarType.Float16, 7.5, 7.8)]
    [InlineData(ScalarType.BFloat16, 5.4, 5.7)]
    public void A_row_collapses_at_the_gap_at_which_its_dtype_absorbs(ScalarType dtype, double below, double above)
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new double[] { 0, -below, 0, -above, -above, 0, 1, 1.5 }, [4, 2]);
        Assert.Equal(0.5, nn.utils.softmax_collapse_fraction(logits, dtype));
        Assert.Equal(0.5, nn.utils.softmax_collapse_fraction(logits.to_type(dtype)));
        Assert.Equal(0.5, nn.utils.softmax_collapse_fraction(logits.to_type(dtype).requires_grad_()));
    }

    [Fact]
    public void Classes_are_dim_1_and_a_single_row_may_stand_alone()
    {
        using var scope = NewDisposeScope();
        var logits = tensor(new float[] { 0, 50, 0, 0, 40, 90, 0, 0.5f, 0, 3, 0, 0 }, [2, 3, 2]);
        double expected = 0;
        foreach (var row in logits.transpose(1, 2).reshape(4, 3).split(1))
        {
            expected += (row - row.max()).exp().sum().item<float>() == 1 ? 0.25 : 0;
        }

        Assert.Equal(0.5, expected);
        Assert.Equal(expected, nn.utils.softmax_collapse_fraction(logits));
        Assert.Equal(1, nn.utils.softmax_collapse_fraction(tensor(new float[] { 3, 90, 5 })));
        Assert.Equal(double.NaN, nn.utils.softmax_collapse_fraction(zeros(0, 3)));
    }

    [Fact]
    public void Masks_are_absorbed_and_rows_without_a_softmax_have_not_collapsed()
    {
        using var scope = NewDisposeScope();
        const float Infinity = float.PositiveInfinity;
        var logits = tensor(new float[] { 1, -Infinity, 2, Infinity, -Infinity, -Infinity, float.NaN, 0, 2, 1 }, [5, 2]);
        Assert.Equal(0.2, nn.utils.softmax_collapse_fraction(logits));
    }

    /// <summary>Three classes of e^-17 each are absorbed one by one, not together: the sum is the dtype's, not a comparison of logits.</summary>
    [Fact]
    public void Many_small_classes_count_together()
    {
        using var scope = NewDisposeScope();
        var logits = full([1, 4001], -17.0, ScalarType.Float64);
        logits[0, 0] = tensor(0.0);
        Assert.Equal(0, nn.utils.softmax_collapse_fraction(logits));
        Assert.Equal(0, nn.utils.softmax_collapse_fraction(logits, ScalarType.Float32));
        Assert.Equal(1, nn.utils.softmax_collapse_fraction(logits, ScalarType.BFloat16));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Zero_losses_are_counted_exactly(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var losses = tensor(new double[] { 0, 6e-8, 0, 1, -0.0, double.NaN }).to_type(dtype);
        Assert.Equal(0.5, nn.utils.zero_loss_fraction(losses));
        Assert.Equal(double.NaN, nn.utils.zero_loss_fraction(zeros([0], dtype)));

        // right and far ahead, wrong and far ahead, right and close, ignored
        var logits = tensor(new double[] { 60, 0, 60, 0, 1, 0, 60, 0 }, [4, 2]).to_type(dtype);
        var target = tensor(new long[] { 0, 1, 0, -100 });
        Assert.Equal(1.0 / 3, nn.utils.zero_loss_fraction(logits, target));
        Assert.Equal(0.25, nn.utils.zero_loss_fraction(logits, tensor(new long[] { 0, 1, 0, 1 }), ignore_index: 5));
        Assert.Equal(double.NaN, nn.utils.zero_loss_fraction(logits, full([4], -100, ScalarType.Int64)));
    }

    [Fact]
    public void The_cosine_is_that_of_the_weight_and_the_descent_direction()
    {
        using var scope = NewDisposeScope();
        var (w, g) = PerpGradTests.Pair(new Random(1), [7, 5], ScalarType.Float32);
        Parameter[] parameters =
        [
            PerpGradTests.With(w.transpose(0, 1), g.transpose(0, 1)), nn.Parameter(w.clone()), PerpGradTests.With(zeros_like(w), g), PerpGradTests.With(w, w * 1e-30f),
            PerpGradTests.With(w.to_type(ScalarType.Float16), g.to_type(ScalarType.Float16)), PerpGradTests.With(w, zeros_like(g)),
        ];
        var cosines = nn.utils.naive_loss_minimization_cosine(parameters);
        Assert.Equal(parameters.Length, cosines.Count);
        Assert.Equal(-PerpGradTests.Cosine(w, g), cosines[0], 1e-14);
        Assert.Equal(double.NaN, cosines[1]); // without gradient
        Assert.Equal(double.NaN, cosines[2]); // without direction
        Assert.Equal(-1, cosines[3], 1e-6);
        Assert.Equal(cosines[0], cosines[4], 1e-3);
        Assert.Equal(double.NaN, cosines[5]);
        nn.utils.perp_grad_([parameters[0]]);
        Assert.InRange(Math.Abs(nn.utils.naive_loss_minimization_cosine(parameters)[0]), 0, 1e-7);
    }

    [Fact]
    public void Targets_that_do_not_fit_their_logits_are_refused_by_name()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, 3);
        foreach (var (target, message) in ((Tensor, string)[])[
            (tensor([0.0, 1.0]), "'target' has shape [2]; [2, 3] is required."), (tensor([0, 1]), "'target' has dtype Int32; Int64 is required"),
            (tensor([0L, 3L]), "'target' is 3 at [1]; 0 to 2, or ignore_index (-100), is required.")])
        {
            var refusal = Assert.ThrowsAny<ArgumentException>(() => nn.utils.zero_loss_fraction(x, target));
            Assert.Equal("target", refusal.ParamName);
            Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Named_parameters_keep_their_names_and_their_order()
    {
        using var scope = NewDisposeScope();
        using var model = nn.Sequential(("first", nn.Linear(4, 3, hasBias: false)), ("second", nn.Linear(3, 2, hasBias: false)));
        model.call(OperatorContract.Logits(new Random(1), [5, 4], ScalarType.Float32, 1)).pow(2).sum().backward();
        var named = nn.utils.naive_loss_minimization_cosine(model.named_parameters());
        Assert.Equal(model.named_parameters().Select(pair => pair.name), named.Select(pair => pair.name));
        Assert.Equal(nn.utils.naive_loss_minimization_cosine(model.parameters()), named.Select(pair => pair.cosine));
        Assert.All(named, pair => Assert.InRange(pair.cosine, -1, -1e-3)); // every layer shrinks when the sum of squares falls
    }
}
