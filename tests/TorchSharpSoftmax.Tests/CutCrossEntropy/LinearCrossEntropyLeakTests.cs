using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>Steps of every mode with a collector running beside: nothing accumulates, and nothing is computed into a second buffer.</summary>
[BestWidthOnly]
public sealed class LinearCrossEntropyLeakTests(ITestOutputHelper output)
{
    private static readonly int Steps = Environment.GetEnvironmentVariable("TORCHSHARP_STANDIN_STRICT") == "1" ? 100 : 1_000;

    [Theory]
    [InlineData(LinearCrossEntropyMode.Auto, Reduction.Mean)]
    [InlineData(LinearCrossEntropyMode.Recompute, Reduction.Mean)]
    [InlineData(LinearCrossEntropyMode.Recompute, Reduction.None)]
    public void Steps_with_nothing_but_using_leave_nothing_behind(LinearCrossEntropyMode mode, Reduction reduction)
    {
        var sample = new LinearCrossEntropyCase { Bias = true, Weighted = true, TokenWeighted = true, ZLoss = 0.1, Smoothing = 0.1, IgnoredEvery = 3, Mode = mode, Reduction = reduction };
        using var scope = NewDisposeScope();
        var data = LinearCrossEntropyData.Of(sample, new Random(1), [40], 33, 200, ScalarType.Float32).Leaves();
        var options = sample.Options(data);
        using var shape = sample.Of(data);
        var dy = LinearCrossEntropyTests.Upstream(shape, new Random(2));
        Measure($"{mode}, {reduction}", Steps, () =>
        {
            using var loss = F.linear_cross_entropy(data.Input, data.Weight, data.Target, data.Bias, data.ClassWeight, reduction, -100, 0.1, options);
            autograd.backward(loss, dy);
            Clear(data);
        });
    }

    [Fact]
    public void Outputs_second_derivatives_and_retained_graphs_leave_nothing_behind()
    {
        using var scope = NewDisposeScope();
        var sample = new LinearCrossEntropyCase { Kind = TargetKind.Sparse, Bias = true };
        var data = LinearCrossEntropyData.Of(sample, new Random(1), [5], 7, 20, ScalarType.Float64).Leaves();
        using var quarter = tensor(0.25, ScalarType.Float64);
        Measure("outputs", Steps / 4, () =>
        {
            using var inner = NewDisposeScope();
            var found = LinearCrossEntropyDerivativeTests.Outputs(sample, data, data.Parameters, (LinearCrossEntropyResults)15);
            (found.loss + found.entropy!.sum()).backward();
            Clear(data);
        });
        Measure("retained", Steps / 4, () =>
        {
            using var inner = NewDisposeScope();
            var loss = sample.Of(data);
            autograd.backward(loss, retain_graph: true);
            autograd.backward(loss, retain_graph: true);
            autograd.backward(loss, quarter);
            Clear(data);
        });
        Measure("second derivative", Steps / 10, () =>
        {
            using var inner = NewDisposeScope();
            autograd.backward(sample.Of(data), create_graph: true);
            var first = data.Weight.grad!;
            Clear(data);
            (first * first).sum().backward();
            Clear(data);
        });
    }

    [Theory]
    [InlineData(LinearCrossEntropyMode.Auto)]
    [InlineData(LinearCrossEntropyMode.Recompute)]
    public void Results_belong_to_the_callers_dispose_scope_and_temporaries_to_nobody(LinearCrossEntropyMode mode)
    {
        foreach (var sample in LinearCrossEntropyCase.Pairs)
        {
            using var outer = NewDisposeScope();
            var data = LinearCrossEntropyData.Of(sample, new Random(1), [2, 3], 4, 6, ScalarType.Float32);
            foreach (var given in (LinearCrossEntropyData[])[data, data.Leaves()])
            {
                var options = sample with { Mode = mode };
                using var scope = NewDisposeScope();
                var loss = options.Of(given);
                Assert.True(scope.Contains(loss));
                if (!loss.requires_grad)
                {
                    Assert.Equal(1, scope.DisposablesCount);
                }
            }
        }
    }

    private static void Clear(LinearCrossEntropyData data)
    {
        foreach (var parameter in data.Parameters)
        {
            parameter.grad = null;
        }
    }

    private void Measure(string what, int steps, Action step) => Live.AssertNothingAccumulates(output, what, steps, step);
}
