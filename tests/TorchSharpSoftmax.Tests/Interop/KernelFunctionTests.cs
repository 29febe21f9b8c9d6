using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>The helper that every custom function goes through, one lifetime rule of TorchSharp after the other. The leaks are in <see cref="LeakTests"/>.</summary>
public sealed class KernelFunctionTests
{
    [Fact]
    public void A_forward_that_throws_throws_at_the_caller_and_leaves_no_node()
    {
        using var scope = NewDisposeScope();
        var x = ones(3).requires_grad_();
        int nodes = Live.Nodes;
        var error = Assert.Throws<NotSupportedException>(() => FailingFunction.Apply(x, FailingFunction.Mode.ThrowsInForward));
        Assert.Equal("forward cannot", error.Message);
        Assert.Equal(nodes, Live.Nodes);
        Assert.True(is_grad_enabled());
    }

    public static TheoryData<long[]> Shapes => new() { Array.Empty<long>(), new long[] { 1 }, new long[] { 3 }, new long[] { 3, 2 }, new long[] { 0 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_backward_that_throws_is_an_exception_of_backward_with_its_reason_at_hand(long[] shape)
    {
        using var scope = NewDisposeScope();
        var x = ones(shape).requires_grad_();
        var y = FailingFunction.Apply(x, FailingFunction.Mode.Throws);
        Assert.Throws<ExternalException>(() => y.sum().backward());
        Assert.Equal("backward cannot", Assert.IsType<NotSupportedException>(Diagnostics.TakeBackwardError()).Message);
        Assert.Null(Diagnostics.TakeBackwardError());

        using var right = FailingFunction.Apply(x, FailingFunction.Mode.Right); // the engine goes on
        right.sum().backward();
        Assert.Equal(ElementAccess.Values(x + x), ElementAccess.Values(x.grad!));
    }

    [Fact]
    public void A_failed_backward_warns_and_a_failing_listener_does_no_harm()
    {
        using var scope = NewDisposeScope();
        var messages = new List<string>();
        void Listen(object? sender, WarnedEventArgs warning)
        {
            messages.Add(warning.Message);
            throw new InvalidOperationException("a listener's own trouble");
        }

        Diagnostics.Warned += Listen;
        try
        {
            var y = FailingFunction.Apply(ones(2).requires_grad_(), FailingFunction.Mode.Throws);
            Assert.Throws<ExternalException>(() => y.sum().backward());
        }
        finally
        {
            Diagnostics.Warned -= Listen;
        }

        Assert.StartsWith("FailingFunction failed in backward: backward cannot", Assert.Single(messages), StringComparison.Ordinal);
        Assert.IsType<NotSupportedException>(Diagnostics.TakeBackwardError());
    }

    [Fact]
    public void A_gradient_that_was_disposed_is_an_error_and_not_a_silent_zero()
    {
        using var scope = NewDisposeScope();
        var y = FailingFunction.Apply(ones(2).requires_grad_(), FailingFunction.Mode.ReturnsDisposed);
        Assert.Throws<ExternalException>(() => y.sum().backward());
        Assert.Equal("The gradient of input 0 was disposed before FailingFunction returned it.", Diagnostics.TakeBackwardError()!.Message);
    }

    /// <summary>The engine copies what managed code holds, and a copy of a large one costs more than its arithmetic.</summary>
    [Fact]
    public unsafe void The_gradient_of_a_large_leaf_becomes_its_grad_without_a_copy()
    {
        using var scope = NewDisposeScope();
        foreach (var (length, isLarge) in ((long, bool)[])[((1 << 16) - 1, false), (1 << 16, true)])
        {
            var x = randn(length).requires_grad_();
            nint given = 0;
            FailingFunction.Given = gradient => given = (nint)Memory.Of(gradient);
            FailingFunction.Apply(x, FailingFunction.Mode.Right).sum().backward();
            FailingFunction.Given = null;
            Assert.Equal(isLarge, given == (nint)Memory.Of(x.grad!));
            var expected = x.detach() * 2;
            Assert.True(x.grad!.eq(expected).all().item<bool>());
            x.grad!.mul_(0); // its owner's business alone
            FailingFunction.Apply(x, FailingFunction.Mode.Right).sum().backward();
            Assert.True(x.grad!.eq(expected).all().item<bool>());
        }
    }

    /// <summary>Of every form of function there is: one kernel, two inputs, the input itself given back.</summary>
    [Fact]
    public void A_large_leaf_has_the_gradient_that_the_same_numbers_have_inside_a_graph()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(40, 2000), g = randn(40, 2000), labels = randint(0, 2000, [40], dtype: ScalarType.Int64), head = randn(40, 2000);
        Func<Tensor, Tensor>[] operators =
        [
            .. SoftmaxOperator.All.Select(op => (Func<Tensor, Tensor>)(z => op.Actual(z, 1, SoftmaxAlgorithm.Auto))),
            z => nn.functional.stablemax_cross_entropy(z, labels),
            z => nn.functional.linear_cross_entropy(head, z, labels.remainder(40)),
            z => nn.functional.topk_gate(z, 3).weights,
            z => nn.functional.perp_grad(z),
        ];
        foreach (var op in operators)
        {
            var (leaf, root) = (x.clone().requires_grad_(), x.clone().requires_grad_());
            var (y, inside) = (op(leaf), op(root * 1));
            var dy = g.reshape(-1).narrow(0, 0, y.numel()).reshape(y.shape);
            y.backward([dy]);
            inside.backward([dy]);
            Assert.True(leaf.grad!.eq(root.grad!).all().item<bool>());
        }
    }

    [Fact]
    public void An_undefined_gradient_counts_as_zero_even_when_the_scope_of_the_forward_has_ended()
    {
        using var scope = NewDisposeScope();
        foreach (var op in SoftmaxOperator.All)
        {
            var x = OperatorContract.Logits(new Random(1), [3, 4], ScalarType.Float32, 1).requires_grad_();
            Tensor y;
            using (var inner = NewDisposeScope())
            {
                y = UndefinedGradFunction.Apply(op.Actual(x, 1, SoftmaxAlgorithm.Auto)).MoveToOuterDisposeScope();
            }

            y.sum().backward();
            Assert.True(x.grad is null || x.grad.IsInvalid);
        }
    }

    [Fact]
    public void No_node_is_made_where_nobody_can_ask_for_a_gradient()
    {
        using var scope = NewDisposeScope();
        var (plain, leaf) = (ones(2, 3), ones(2, 3).requires_grad_());
        foreach (var op in SoftmaxOperator.All)
        {
            int nodes = Live.Nodes;
            Assert.False(op.Actual(plain, 1, SoftmaxAlgorithm.Auto).requires_grad);
            using (no_grad())
            {
                Assert.False(op.Actual(leaf, 1, SoftmaxAlgorithm.Auto).requires_grad);
            }

            using (inference_mode())
            {
                Assert.False(op.Actual(leaf, 1, SoftmaxAlgorithm.Auto).requires_grad);
            }

            Assert.Equal(nodes, Live.Nodes);
            Assert.True(op.Actual(leaf, 1, SoftmaxAlgorithm.Auto).requires_grad);
            Assert.Equal(nodes + 1, Live.Nodes);
        }
    }

    [Fact]
    public void An_expanded_a_transposed_and_a_non_contiguous_upstream_gradient_are_taken()
    {
        using var scope = NewDisposeScope();
        foreach (var op in SoftmaxOperator.All)
        {
            var x = OperatorContract.Logits(new Random(1), [6, 6], ScalarType.Float64, 1);
            var y = op.Actual(x, 1, SoftmaxAlgorithm.Auto);
            var wide = SoftmaxOperator.Upstream(ones([.. y.shape, 2], ScalarType.Float64), new Random(2));
            Tensor[] gradients = [ones([1], ScalarType.Float64).expand(y.shape), wide.narrow(-1, 1, 1).squeeze(-1), wide.narrow(-1, 0, 1).squeeze(-1).transpose(0, -1)];
            foreach (var dy in gradients)
            {
                Tensor ours = x.detach().requires_grad_(), libtorchs = x.detach().requires_grad_();
                autograd.backward(op.Actual(ours, 1, SoftmaxAlgorithm.Auto), dy);
                autograd.backward(op.Libtorch(libtorchs, 1), dy);
                Assert.Equal(ElementAccess.Values(libtorchs.grad!), ElementAccess.Values(ours.grad!), (e, a) => Math.Abs(e - a) < 1e-14);
            }
        }
    }

    /// <summary>What a sum or a mean over the rows gives back, which the kernels of softmax and log-softmax read where it lies; [2, 70000] in blocks that threads share.</summary>
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    public void An_upstream_gradient_that_is_one_row_for_all_is_as_its_copy_to_the_last_bit(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(4);
        foreach (var op in SoftmaxOperator.All)
        {
            foreach (long[] shape in (long[][])[[3, 5], [2, 3, 33], [1, 1, 7], [6, 1], [2, 70000], [40, 1000]])
            {
                var x = OperatorContract.Logits(random, shape, dtype, 1);
                var y = op.Actual(x, shape.Length - 1, SoftmaxAlgorithm.Auto);
                var row = SoftmaxOperator.Upstream(y.reshape(-1, y.size(-1)).narrow(0, 0, 1), random);
                Tensor[] gradients = [row.reshape(-1).expand(y.shape), row.expand(y.reshape(-1, y.size(-1)).shape).reshape(y.shape), row.narrow(-1, 0, 1).reshape(1).expand(y.shape)];
                foreach (var dy in gradients)
                {
                    Tensor repeated = x.detach().requires_grad_(), copied = x.detach().requires_grad_();
                    autograd.backward(op.Actual(repeated, shape.Length - 1, SoftmaxAlgorithm.Auto), dy);
                    autograd.backward(op.Actual(copied, shape.Length - 1, SoftmaxAlgorithm.Auto), dy.clone().contiguous());
                    Assert.Equal(ElementAccess.Values(copied.grad!), ElementAccess.Values(repeated.grad!));
                }
            }
        }
    }

    [Fact]
    public void Graphs_are_kept_accumulated_and_freed_as_users_expect()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(1), [3, 4], ScalarType.Float64, 1).requires_grad_();
        using var copy = x.detach().clone();
        var y = nn.functional.two_pass_softmax(x);
        var loss = (y * y).sum();
        x.Dispose(); // the user's handle goes; the graph's stays
        loss.backward(retain_graph: true);
        loss.backward();

        var again = copy.detach().requires_grad_();
        var twice = nn.functional.two_pass_softmax(again) + nn.functional.two_pass_softmax(again); // one tensor, two nodes
        twice.retain_grad();
        autograd.backward(twice, ones_like(twice) * copy);
        Assert.NotNull(twice.grad);
        var single = copy.detach().requires_grad_();
        autograd.backward(nn.functional.two_pass_softmax(single), ones_like(copy) * copy);
        Assert.Equal(ElementAccess.Values(single.grad! + single.grad!), ElementAccess.Values(again.grad!), (e, a) => Math.Abs(e - a) < 1e-15);
    }

    [Fact]
    public void A_long_chain_of_functions_is_differentiated()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(1), [2, 5], ScalarType.Float64, 1).requires_grad_();
        var (ours, libtorchs) = (x, x.detach().requires_grad_());
        var (y, z) = (ours, libtorchs);
        for (int i = 0; i < 500; i++)
        {
            (y, z) = (nn.functional.two_pass_log_softmax(y, i % 2), z.log_softmax(i % 2));
        }

        autograd.backward(y, ElementAccess.FromValues([1, 2, 3, 4, 5, -1, 2, -3, 4, -5], y));
        autograd.backward(z, ElementAccess.FromValues([1, 2, 3, 4, 5, -1, 2, -3, 4, -5], z));
        Assert.Equal(ElementAccess.Values(libtorchs.grad!), ElementAccess.Values(ours.grad!), (e, a) => Math.Abs(e - a) < 1e-10);
    }

    [Fact]
    public void Under_anomaly_detection_a_NaN_of_ours_is_named()
    {
        using var scope = NewDisposeScope();
        var x = full([1, 3], double.NegativeInfinity, ScalarType.Float64).requires_grad_();
        using var anomaly = autograd.detect_anomaly();
        var error = Assert.Throws<ExternalException>(() => nn.functional.two_pass_softmax(x).sum().backward());
        Assert.Contains("nan", error.Message, StringComparison.Ordinal);
    }
}
