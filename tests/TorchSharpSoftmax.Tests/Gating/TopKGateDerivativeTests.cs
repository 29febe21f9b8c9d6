using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>First and second derivatives against differences, away from ties; what a graph keeps, on several threads.</summary>
public sealed class TopKGateDerivativeTests
{
    [Fact]
    public void First_and_second_derivatives_are_those_of_differences()
    {
        using var scope = NewDisposeScope();
        foreach (var sample in TopKGateCase.All)
        {
            var x = TopKGateCase.Apart(new Random(1), [3, 12], ScalarType.Float64).requires_grad_();
            Assert.True(autograd.gradcheck(Differentiable, x));
            Assert.True(autograd.gradgradcheck(Differentiable, x));

            Tensor[] Differentiable(Tensor logits)
            {
                var found = sample.Of(logits);
                return [found.weights, found.lse!, found.mean_probability!];
            }
        }
    }

    [Fact]
    public void Derivatives_without_statistics_are_those_of_differences()
    {
        using var scope = NewDisposeScope();
        foreach (var sample in TopKGateCase.All)
        {
            var x = TopKGateCase.Apart(new Random(2), [2, 12], ScalarType.Float64).requires_grad_();
            Assert.True(autograd.gradcheck(logits => sample.Of(logits, statistics: false).weights, x));
            Assert.True(autograd.gradgradcheck(logits => sample.Of(logits, statistics: false).weights, x));
        }
    }

    [Fact]
    public void A_gradient_under_create_graph_is_that_of_the_kernel()
    {
        using var scope = NewDisposeScope();
        foreach (var sample in TopKGateCase.All)
        {
            var x = TopKGateCase.Apart(new Random(3), [30, 12], ScalarType.Float64);
            Tensor kernel = x.detach().requires_grad_(), graph = x.detach().requires_grad_();
            Loss(sample.Of(kernel)).backward();
            autograd.backward(Loss(sample.Of(graph)), create_graph: true);
            TopKGateTests.AssertNear(sample.ToString(), graph.grad!, kernel.grad!, 1e-13);
            graph.grad = null;
        }

        static Tensor Loss(TopKGateOutputs found) =>
            (found.weights * TopKGateTests.Upstream(4, found.weights)).sum() + (found.lse! * found.lse!).mean() + (found.mean_probability! * found.mean_probability!).sum();
    }

    [Fact]
    public void Logits_that_are_changed_before_backward_are_refused()
    {
        using var scope = NewDisposeScope();
        var x = TopKGateCase.Apart(new Random(5), [4, 12], ScalarType.Float32).requires_grad_();
        var logits = x * 1.0;
        var weights = nn.functional.topk_gate(logits, 2).weights;
        using (no_grad())
        {
            logits.add_(logits);
        }

        Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => weights.sum().backward());
        Assert.Contains("modified by an inplace operation", Diagnostics.TakeBackwardError()!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Threads_with_graphs_of_their_own_get_the_values_of_one()
    {
        using var scope = NewDisposeScope();
        var inputs = Enumerable.Range(0, 3).Select(i => TopKGateCase.Apart(new Random(i), [50, 12], ScalarType.Float32)).ToArray();
        double[][] expected = [.. inputs.Select(Step)];
        var failures = new List<Exception>();
        Thread[] threads = [.. inputs.Select((x, i) => new Thread(() =>
        {
            try
            {
                for (int round = 0; round < 100; round++)
                {
                    Assert.Equal(expected[i], Step(x));
                }
            }
            catch (Exception failure)
            {
                lock (failures)
                {
                    failures.Add(failure);
                }
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Empty(failures);

        static double[] Step(Tensor x)
        {
            using var inner = NewDisposeScope();
            var leaf = x.detach().requires_grad_();
            var found = nn.functional.topk_gate(leaf, 3, TopKGateMode.Softmax);
            ((found.weights * found.weights).sum() + found.lse!.sum()).backward();
            return ElementAccess.Values(leaf.grad!);
        }
    }

    [Fact]
    [BestWidthOnly]
    public void Thousands_of_steps_leave_nothing_behind()
    {
        int steps = Environment.GetEnvironmentVariable("TORCHSHARP_STANDIN_STRICT") == "1" ? 300 : 2000;
        using var scope = NewDisposeScope();
        var x = TopKGateCase.Apart(new Random(6), [64, 12], ScalarType.Float32).requires_grad_();
        foreach (var sample in TopKGateCase.All)
        {
            Run(steps / 10);
            var warm = Live.Counts();
            double before = Live.ResidentMiB();
            Run(steps);
            Live.Collect();
            Assert.Equal(warm, (Live.Nodes, Tensor.TotalCount));
            Assert.InRange(Live.ResidentMiB(), 0, before + 8);

            void Run(int count)
            {
                for (int i = 0; i < count; i++)
                {
                    using var found = sample.Of(x, statistics: i % 2 == 0);
                    using var square = found.weights * found.weights;
                    using var loss = square.sum();
                    loss.backward();
                    x.grad = null;
                }
            }
        }
    }

    [Fact]
    public void Results_belong_to_the_callers_dispose_scope_and_temporaries_to_nobody()
    {
        using var outer = NewDisposeScope();
        var x = TopKGateCase.Apart(new Random(7), [2, 5, 12], ScalarType.Float32);
        foreach (var sample in TopKGateCase.All)
        {
            foreach (var input in (Tensor[])[x, x.detach().requires_grad_(), x.transpose(0, 1)])
            {
                foreach (bool statistics in (bool[])[false, true])
                {
                    using var scope = NewDisposeScope();
                    using var bias = sample.Bias(ScalarType.Float32);
                    var found = nn.functional.topk_gate(input, sample.K, sample.Mode, bias, sample.Groups, sample.KeptGroups, sample.Scale, statistics);
                    Assert.True(scope.Contains(found.weights) && scope.Contains(found.indices) && scope.Contains(found.counts));
                    if (!input.requires_grad)
                    {
                        Assert.Equal((statistics ? 5 : 3) + (bias is null ? 0 : 1), scope.DisposablesCount);
                    }
                }
            }
        }
    }
}
