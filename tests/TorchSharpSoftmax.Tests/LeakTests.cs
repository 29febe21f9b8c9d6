using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>Training loops in every style that users write them, with a collector running beside: nothing accumulates, nothing is freed too early.</summary>
[BestWidthOnly]
public sealed class LeakTests(ITestOutputHelper output)
{
    // the stand-in's strict mode collects inside every step: some of the steps are as hard a test, and as long a one
    private static readonly int Steps = Environment.GetEnvironmentVariable("TORCHSHARP_STANDIN_STRICT") == "1" ? 200 : 10_000;

    private const int Columns = 10_000;

    public static TheoryData<SoftmaxOperator> Operators => [.. SoftmaxOperator.All];

    [Theory]
    [MemberData(nameof(Operators))]
    public void Ten_thousand_steps_with_nothing_but_using_leave_nothing_behind(SoftmaxOperator op)
    {
        using var x = OperatorContract.Logits(new Random(1), [1, Columns], ScalarType.Float32, 1).requires_grad_();
        using var shape = op.Actual(x, 1, SoftmaxAlgorithm.Auto);
        using var dy = SoftmaxOperator.Upstream(shape, new Random(2));
        Measure(op.Name, Steps, () =>
        {
            using var y = op.Actual(x, 1, SoftmaxAlgorithm.Auto);
            using var product = y * dy;
            using var loss = product.sum();
            loss.backward();
            x.grad = null;
        });
    }

    /// <summary>It goes in through a view, and its grad is the memory that backward returned.</summary>
    [Fact]
    public void Ten_thousand_steps_of_a_large_leaf_leave_nothing_behind()
    {
        using var x = randn(1, 1 << 16).requires_grad_();
        using var dy = randn(1, 1 << 16);
        Measure("softmax", Steps, () =>
        {
            using var y = nn.functional.two_pass_softmax(x, 1);
            y.backward([dy]);
            x.grad = null;
        });
    }

    /// <summary>The gradient of a sum over the rows is a view of one row, which backward reads through another view.</summary>
    [Fact]
    public void Ten_thousand_steps_with_a_gradient_of_one_row_for_all_leave_nothing_behind()
    {
        using var x = randn(100, Columns / 100).requires_grad_();
        using var row = randn(Columns / 100);
        using var dy = row.expand(100, Columns / 100);
        Measure("softmax, log-softmax", Steps, () =>
        {
            using var y = nn.functional.two_pass_softmax(x, 1);
            using var log = nn.functional.two_pass_log_softmax(x, 1);
            y.backward([dy]);
            log.backward([dy]);
            x.grad = null;
        });
    }

    [Theory]
    [MemberData(nameof(Operators))]
    public void Ten_thousand_steps_in_dispose_scopes_leave_nothing_behind(SoftmaxOperator op)
    {
        using var x = OperatorContract.Logits(new Random(1), [1, Columns], ScalarType.Float32, 1).requires_grad_();
        Measure(op.Name, Steps, () =>
        {
            using var scope = NewDisposeScope();
            var y = op.Actual(x, 1, SoftmaxAlgorithm.Auto);
            (y * y).sum().backward();
            x.grad = null;
        });
    }

    [Fact]
    public void Second_derivatives_leave_nothing_behind()
    {
        using var x = OperatorContract.Logits(new Random(1), [4, 50], ScalarType.Float64, 1).requires_grad_();
        Measure("second derivative", Steps / 5, () =>
        {
            using var scope = NewDisposeScope();
            foreach (var op in SoftmaxOperator.All)
            {
                var y = op.Actual(x, 1, SoftmaxAlgorithm.Auto);
                autograd.backward((y * y).sum(), create_graph: true);
                var first = x.grad!;
                x.grad = null;
                (first * first).sum().backward();
                x.grad = null;
            }
        });
    }

    [Theory]
    [InlineData(CrossEntropyLink.StableMax)]
    [InlineData(CrossEntropyLink.Softmax)]
    public void Cross_entropies_leave_nothing_behind(CrossEntropyLink link)
    {
        using var x = OperatorContract.Logits(new Random(1), [4, 50, 3], ScalarType.Float32, 1).requires_grad_();
        var (byClass, byProbability) = (new CrossEntropyLoss(link, false, Weighted: true, Smoothing: 0.1), new CrossEntropyLoss(link, true));
        using var classes = byClass.Targets(new Random(2), x);
        using var weight = byClass.Weights(new Random(3), x);
        using var probabilities = byProbability.Targets(new Random(4), x).requires_grad_();
        Measure($"cross-entropy of {link}", Steps / 4, () =>
        {
            using var first = byClass.Of(x, classes, weight);
            first.backward();
            using var second = byProbability.Of(x, probabilities);
            second.backward();
            (x.grad, probabilities.grad) = (null, null);
        });
        Measure($"second derivative of cross-entropy of {link}", Steps / 50, () =>
        {
            using var scope = NewDisposeScope();
            autograd.backward([byClass.Of(x, classes, weight), byProbability.Of(x, probabilities)], create_graph: true);
            var (ofX, ofProbabilities) = (x.grad!, probabilities.grad!);
            (x.grad, probabilities.grad) = (null, null);
            autograd.backward([(ofX * ofX).sum(), (ofProbabilities * ofProbabilities).sum()]);
            (x.grad, probabilities.grad) = (null, null);
        });
    }

    [Fact]
    public void A_failing_backward_leaves_nothing_behind()
    {
        using var x = OperatorContract.Logits(new Random(1), [4, 50], ScalarType.Float32, 1).requires_grad_();
        Measure("failing backward", Steps / 20, () =>
        {
            using var scope = NewDisposeScope();
            var y = FailingFunction.Apply(x, FailingFunction.Mode.Throws);
            Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => y.sum().backward());
            Assert.IsType<NotSupportedException>(Diagnostics.TakeBackwardError());
        });
    }

    [Fact]
    public void Results_belong_to_the_callers_dispose_scope_and_temporaries_to_nobody()
    {
        using var x = OperatorContract.Logits(new Random(1), [3, 4], ScalarType.Float32, 1);
        using var leaf = x.detach().requires_grad_();
        foreach (var op in SoftmaxOperator.All)
        {
            foreach (var input in (Tensor[])[x, leaf])
            {
                using var transposed = input.transpose(0, 1);
                using var scope = NewDisposeScope();
                var y = op.Actual(transposed, 0, SoftmaxAlgorithm.Auto);
                Assert.True(scope.Contains(y));
                if (ReferenceEquals(input, x))
                {
                    Assert.Equal(1, scope.DisposablesCount);
                }

                y.DetachFromDisposeScope().Dispose();
            }
        }
    }

    private void Measure(string what, int steps, Action step) => Live.AssertNothingAccumulates(output, what, steps, step);
}
