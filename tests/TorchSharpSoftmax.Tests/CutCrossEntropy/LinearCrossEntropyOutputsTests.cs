using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>What comes beside the loss, and the path of libtorch's operators.</summary>
public sealed class LinearCrossEntropyOutputsTests
{
    private const LinearCrossEntropyResults Everything = LinearCrossEntropyResults.LogSumExp | LinearCrossEntropyResults.NegativeLogLikelihood
        | LinearCrossEntropyResults.Entropy | LinearCrossEntropyResults.Argmax;

    [Theory]
    [InlineData(LinearCrossEntropyMode.Auto)]
    [InlineData(LinearCrossEntropyMode.Recompute)]
    [InlineData(LinearCrossEntropyMode.GradientInForward)]
    public void Per_token_results_are_those_of_the_definition_in_the_tokens_shape(LinearCrossEntropyMode mode)
    {
        foreach (var (i, pair) in LinearCrossEntropyCase.Pairs.Index())
        {
            using var scope = NewDisposeScope();
            var sample = pair with { Mode = mode, Reduction = mode == LinearCrossEntropyMode.GradientInForward ? Reduction.Mean : pair.Reduction };
            var data = LinearCrossEntropyData.Of(sample, new Random(i), [2, 5], 6, 9, ScalarType.Float64).Leaves();
            var exact = new LinearCrossEntropyReference(sample, data);
            var found = LinearCrossEntropyDerivativeTests.Outputs(sample, data, data.Parameters, Everything);
            long[] shape = [2, 5 - sample.Shift];
            void AssertNear(Tensor expected, Tensor actual)
            {
                Assert.Equal(shape, actual.shape);
                Assert.Equal(mode != LinearCrossEntropyMode.GradientInForward, actual.requires_grad);
                Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(actual), (e, a) => Math.Abs(e - a) <= 1e-12);
            }

            AssertNear(exact.LogSumExp, found.lse!);
            AssertNear(exact.Losses, found.nll!);
            AssertNear(exact.Entropy, found.entropy!);
            long[] classes = [.. ElementAccess.Values(exact.Capped.argmax(1)).Zip(ElementAccess.Values(exact.IsCounted), (c, counted) => counted > 0 ? (long)c : -1)];
            Assert.Equal(shape, found.argmax!.shape);
            Assert.Equal(classes, ElementAccess.Numbers(found.argmax));
            Assert.Equal(sample.Of(data).sum().item<double>(), found.loss.sum().item<double>(), 1e-12);
            AssertAccuracy(sample, data, classes, found.accuracy);
        }
    }

    [Fact]
    public void What_was_not_asked_for_is_null()
    {
        using var scope = NewDisposeScope();
        var data = LinearCrossEntropyData.Of(new(), new Random(1), [3], 4, 5, ScalarType.Float32);
        foreach (var wanted in (LinearCrossEntropyResults[])[0, (LinearCrossEntropyResults)1, (LinearCrossEntropyResults)2, (LinearCrossEntropyResults)4, (LinearCrossEntropyResults)8, (LinearCrossEntropyResults)15])
        {
            using var found = F.linear_cross_entropy_outputs(data.Input, data.Weight, data.Target, wanted);
            Assert.Equal(wanted.HasFlag(LinearCrossEntropyResults.LogSumExp), found.lse is not null);
            Assert.Equal(wanted.HasFlag(LinearCrossEntropyResults.NegativeLogLikelihood), found.nll is not null);
            Assert.Equal(wanted.HasFlag(LinearCrossEntropyResults.Entropy), found.entropy is not null);
            Assert.Equal(wanted.HasFlag(LinearCrossEntropyResults.Argmax), found.argmax is not null);
            Assert.Equal(!wanted.HasFlag(LinearCrossEntropyResults.Argmax), double.IsNaN(found.accuracy));
        }
    }

    [Fact]
    public void Disposing_the_outputs_disposes_every_tensor_of_them()
    {
        using var scope = NewDisposeScope();
        var data = LinearCrossEntropyData.Of(new(), new Random(1), [3], 4, 5, ScalarType.Float32).Leaves();
        var found = F.linear_cross_entropy_outputs(data.Input, data.Weight, data.Target, Everything);
        found.Dispose();
        Assert.All((Tensor[])[found.loss, found.lse!, found.nll!, found.entropy!, found.argmax!], tensor => Assert.True(tensor.IsInvalid));
    }

    /// <summary>Of equal logits the first, as everywhere.</summary>
    [Fact]
    public void The_likeliest_class_is_the_first_of_equal_ones_and_NaN_the_largest_of_all()
    {
        using var scope = NewDisposeScope();
        var weight = tensor([1f, 3, 2, 3, 0], [5, 1]);
        var target = tensor([1L, 0L]);
        var found = F.linear_cross_entropy_outputs(tensor([1f, -1f], [2, 1]), weight, target, LinearCrossEntropyResults.Argmax);
        Assert.Equal([1, 4], ElementAccess.Numbers(found.argmax!));
        Assert.Equal(0.5, found.accuracy);
        var bias = tensor([0f, 0, float.NaN, 9, 0]);
        var withNaN = F.linear_cross_entropy_outputs(tensor([1f, -1f], [2, 1]), weight, target, LinearCrossEntropyResults.Argmax, bias);
        Assert.Equal([2, 2], ElementAccess.Numbers(withNaN.argmax!));
    }

    [Fact]
    public void The_composed_path_gives_the_kernels_values_and_its_gradients()
    {
        foreach (var (i, sample) in LinearCrossEntropyCase.Pairs.Index())
        {
            using var scope = NewDisposeScope();
            var random = new Random(i);
            var data = LinearCrossEntropyData.Of(sample, random, [2, 5], 6, 9, ScalarType.Float64);
            var (ours, theirs) = (data.Leaves(), data.Leaves());
            var call = Call(sample, theirs);
            var composed = CutCrossEntropyComposed.Of(Tensors(theirs), shares: null, call);
            var found = LinearCrossEntropyDerivativeTests.Outputs(sample, ours, ours.Parameters, Everything);
            AssertNear(found.lse!, composed.LogSumExp);
            AssertNear(found.nll!, composed.Loss);
            AssertNear(found.entropy!, composed.Entropy!);
            Assert.Equal(ElementAccess.Numbers(found.argmax!).Where(c => c >= 0), composed.Argmax!);
            var (loss, composedLoss) = (sample.Of(ours), composed.Reduced(call, ScalarType.Float64));
            AssertNear(loss, composedLoss);
            var dy = LinearCrossEntropyTests.Upstream(loss, random);
            autograd.backward(loss, dy);
            autograd.backward(composedLoss, dy);
            foreach (var (a, b) in ours.Parameters.Zip(theirs.Parameters))
            {
                AssertNear(a.grad!, b.grad!);
            }
        }

        static void AssertNear(Tensor expected, Tensor actual) =>
            Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(actual), (e, a) => Math.Abs(e - a) <= 1e-12 * (1 + Math.Abs(e)));
    }

    private static CutCrossEntropyCall Call(LinearCrossEntropyCase sample, LinearCrossEntropyData data)
    {
        var kind = sample.Kind switch
        {
            TargetKind.Classes => CutCrossEntropyTargetKind.ClassNumbers,
            TargetKind.Sparse => CutCrossEntropyTargetKind.Sparse,
            _ => CutCrossEntropyTargetKind.Probabilities,
        };
        var rows = CutCrossEntropyRows.Of(kind, data.Input, data.Target, data.Weight.size(0), data.ClassWeight, -100, sample.Options(data));
        return CutCrossEntropyLosses.Call(rows, sample.Reduction, sample.Smoothing, sample.Options(data), Everything, data.Bias is not null, data.ClassWeight is not null);
    }

    private static Tensor[] Tensors(LinearCrossEntropyData data)
    {
        Tensor?[] all = [data.Input, data.Weight, data.Bias, data.ClassWeight, data.Target.is_floating_point() ? data.Target : null];
        return [.. all.OfType<Tensor>()];
    }

    private static void AssertAccuracy(LinearCrossEntropyCase sample, LinearCrossEntropyData data, long[] classes, double accuracy)
    {
        if (sample.Kind != TargetKind.Classes)
        {
            Assert.True(double.IsNaN(accuracy));
            return;
        }

        var target = ElementAccess.Numbers(data.Target.narrow(1, sample.Shift, 5 - sample.Shift));
        Assert.Equal((double)classes.Zip(target).Count(pair => pair.First == pair.Second) / target.Count(y => y >= 0), accuracy);
    }
}
