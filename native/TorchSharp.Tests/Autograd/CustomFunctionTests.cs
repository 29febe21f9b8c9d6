using System.Runtime.InteropServices;
using TorchSharp.Tests.Children;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace TorchSharp.Tests.Autograd;

/// <summary>Custom functions do what they do in the real TorchSharp, pleasant or not.</summary>
public class CustomFunctionTests
{
    private static readonly double[] s_three = [1, -2, 3];

    [Fact]
    public void A_single_tensor_function_has_the_gradient_that_its_backward_gives()
    {
        using Tensor x = Leaf();
        using Tensor y = CleanSquare.Run(x);
        y.backward([tensor(new double[] { 10, 20, 30 })]);
        Assert.Equal([20, -80, 180], Values(x.grad));
    }

    [Fact]
    public void A_multi_tensor_function_gets_one_gradient_for_each_output()
    {
        using Tensor x = Leaf();
        List<Tensor> y = Lambdas.Run(TimesTwoAndThree, (_, g) => [g[0] * 2 + g[1] * 3], x);
        (y[0].sum() + (y[1] * 10).sum()).backward();
        Assert.Equal([32, 32, 32], Values(x.grad));
    }

    [Fact]
    public void The_gradient_of_an_unused_output_arrives_as_zeros()
    {
        using Tensor x = Leaf();
        double[]? unused = null;
        List<Tensor> y = Lambdas.Run(
            TimesTwoAndThree,
            (_, g) =>
            {
                unused = Values(g[1]);
                return [g[0] * 2 + g[1] * 3];
            },
            x);
        y[0].sum().backward();
        Assert.Equal([0, 0, 0], unused!);
        Assert.Equal([2, 2, 2], Values(x.grad));
    }

    [Fact]
    public void Without_materialized_gradients_it_arrives_as_an_invalid_tensor_and_not_as_null()
    {
        using Tensor x = Leaf();
        Tensor? unused = null;
        List<Tensor> y = Lambdas.Run(
            (ctx, vars) =>
            {
                ctx.set_materialize_grads(false);
                Assert.False(ctx.MaterializeGrads);
                return TimesTwoAndThree(ctx, vars);
            },
            (_, g) =>
            {
                unused = g[1];
                return [g[0] * 2];
            },
            x);
        y[0].sum().backward();
        Assert.NotNull(unused);
        Assert.True(unused.IsInvalid);
        Assert.Equal([2, 2, 2], Values(x.grad));
    }

    [Fact]
    public void A_null_gradient_leaves_the_leaf_without_one()
    {
        using Tensor a = Leaf();
        using Tensor b = Leaf();
        Lambda.Run((_, vars) => (Tensor)vars[0] + (Tensor)vars[1], (_, g) => [g * 1, null!], a, b).sum().backward();
        Assert.Equal([1, 1, 1], Values(a.grad));
        Assert.True(b.grad is null);
    }

    [Fact]
    public void A_disposed_gradient_is_a_null_one()
    {
        using Tensor x = Leaf();
        Lambda.Run(
            (_, vars) => (Tensor)vars[0] * 2,
            (_, g) =>
            {
                Tensor dx = g * 2;
                dx.Dispose();
                return [dx];
            },
            x).sum().backward();
        Assert.True(x.grad is null);
    }

    [Fact]
    public void Arguments_that_are_no_tensors_reach_forward_and_get_null_gradients()
    {
        using Tensor x = Leaf();
        object[]? seen = null;
        Lambda.Run(
            (_, vars) =>
            {
                seen = vars;
                return (Tensor)vars[1] * (double)vars[2];
            },
            (_, g) => [null!, g * 7, null!],
            "text", x, 7.0).sum().backward();
        Assert.Equal("text", seen![0]);
        Assert.Equal([7, 7, 7], Values(x.grad));
    }

    [Fact]
    public void Grad_mode_is_off_in_forward_and_in_backward_what_create_graph_says()
    {
        using Tensor x = Leaf();
        var seen = new List<bool>();
        Tensor Run() => Lambda.Run(
            (_, vars) =>
            {
                seen.Add(is_grad_enabled());
                return (Tensor)vars[0] * 2;
            },
            (_, g) =>
            {
                seen.Add(is_grad_enabled());
                return [g * 2];
            },
            x).sum();
        Run().backward();
        backward(Run(), create_graph: true);
        Assert.Equal([false, false, false, true], seen);
        Assert.True(is_grad_enabled());
    }

    [Fact]
    public void The_gradient_of_a_sum_is_expanded_and_not_contiguous()
    {
        using Tensor x = ones(2, 3, dtype: ScalarType.Float64, requires_grad: true);
        long[]? strides = null;
        bool contiguous = true;
        Lambda.Run(
            (_, vars) => (Tensor)vars[0] * 2,
            (_, g) =>
            {
                strides = g.stride();
                contiguous = g.is_contiguous();
                return [g * 2];
            },
            x).sum().backward();
        Assert.Equal([0, 0], strides!);
        Assert.False(contiguous);
    }

    [Fact]
    public void A_second_derivative_goes_through_a_backward_that_is_a_function()
    {
        using Tensor x = Leaf();
        using Tensor y = Cube.apply(x);
        Tensor dx = grad([y.sum()], [x], create_graph: true)[0];
        Assert.Equal([3, 12, 27], Values(dx));
        Assert.True(dx.requires_grad);
        backward(dx.sum());
        Assert.Equal([6, -12, 18], Values(x.grad));
    }

    [Fact]
    public void A_second_derivative_goes_through_a_backward_of_tensor_operations()
    {
        using Tensor x = Leaf();
        Tensor y = Lambda.Run(
            (ctx, vars) =>
            {
                ctx.save_for_backward([(Tensor)vars[0]]);
                return ((Tensor)vars[0]).pow(4);
            },
            (ctx, g) => [ctx.get_saved_variables()[0].pow(3) * 4 * g],
            x);
        Tensor dx = grad([y.sum()], [x], create_graph: true)[0];
        backward(dx.sum());
        Assert.Equal([12, 48, 108], Values(x.grad));
    }

    [Fact]
    public void A_backward_over_raw_memory_has_silently_no_second_derivative()
    {
        using Tensor x = Leaf();
        Tensor dx = grad([CleanSquare.Run(x).sum()], [x], create_graph: true)[0];
        Assert.False(dx.requires_grad);
    }

    [Fact]
    public void The_same_tensor_given_twice_gets_the_sum()
    {
        using Tensor x = Leaf();
        Lambda.Run((_, vars) => (Tensor)vars[0] * 2 + (Tensor)vars[1] * 5, (_, g) => [g * 2, g * 5], x, x).sum().backward();
        Assert.Equal([7, 7, 7], Values(x.grad));
    }

    [Fact]
    public void The_graph_can_be_walked_again_with_retain_graph_and_even_without()
    {
        using Tensor x = Leaf();
        using Tensor y = CleanSquare.Run(x);
        using Tensor upstream = ones_like(y);
        backward(y, [upstream], retain_graph: true);
        backward(y, [upstream], retain_graph: true);
        backward(y, [upstream]);

        // PyTorch refuses this one; TorchSharp's custom node does not release what it saved.
        backward(y, [upstream]);
        Assert.Equal([8, -16, 24], Values(x.grad));
    }

    [Fact]
    public void Under_no_grad_and_inference_mode_apply_records_nothing()
    {
        using Tensor x = Leaf();
        using (no_grad())
        {
            Assert.False(CleanSquare.Run(x).requires_grad);
        }

        using (inference_mode())
        {
            Assert.Equal([1, 4, 9], Values(CleanSquare.Run(x)));
            Assert.False(CleanSquare.Run(x).requires_grad);
        }

        using Tensor constant = tensor(s_three);
        Assert.False(CleanSquare.Run(constant).requires_grad);
    }

    [Fact]
    public void A_saved_input_may_be_disposed_before_backward()
    {
        Tensor x = Leaf();
        Tensor again = x.alias();
        using Tensor y = CleanSquare.Run(x);
        x.Dispose();
        y.sum().backward();
        Assert.Equal([1, 4, 9], Values(y));
        again.Dispose();
    }

    [Fact]
    public void A_tensor_that_forwards_own_scope_frees_is_saved_as_null_silently()
    {
        using Tensor x = Leaf();
        bool isNull = false;
        Lambda.Run(
            (ctx, vars) =>
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor saved = (Tensor)vars[0] * 3;
                ctx.save_for_backward([saved]);
                return (saved * 1).MoveToOuterDisposeScope();
            },
            (ctx, g) =>
            {
                isNull = ctx.get_saved_variables()[0] is null;
                return [g * 3];
            },
            x).sum().backward();
        Assert.True(isNull);
    }

    [Fact]
    public void Gradients_of_an_intermediate_tensor_are_kept_on_demand()
    {
        using Tensor x = Leaf();
        using Tensor y = CleanSquare.Run(x);
        y.retain_grad();
        (y * 3).sum().backward();
        Assert.Equal([3, 3, 3], Values(y.grad));
        Assert.Equal([6, -12, 18], Values(x.grad));
    }

    [Fact]
    public void An_input_may_be_returned_as_it_is()
    {
        using Tensor x = Leaf();
        Lambda.Run((_, vars) => (Tensor)vars[0], (_, g) => [g * 4], x).sum().backward();
        Assert.Equal([4, 4, 4], Values(x.grad));
    }

    [Fact]
    public void An_input_changed_in_place_and_marked_dirty_keeps_its_gradient()
    {
        using Tensor x = Leaf();
        using Tensor h = x * 1;
        Tensor y = Lambda.Run(
            (ctx, vars) =>
            {
                var t = (Tensor)vars[0];
                ctx.mark_dirty([t]);
                return t.mul_(5);
            },
            (_, g) => [g * 5],
            h);
        y.sum().backward();
        Assert.Equal([5, 5, 5], Values(x.grad));
    }

    [Fact]
    public void An_output_marked_as_not_differentiable_needs_no_gradient()
    {
        using Tensor x = Leaf();
        List<Tensor> y = Lambdas.Run(
            (ctx, vars) =>
            {
                List<Tensor> outputs = TimesTwoAndThree(ctx, vars);
                ctx.mark_non_differentiable([outputs[1]]);
                return outputs;
            },
            (_, g) => [g[0] * 2],
            x);
        Assert.True(y[0].requires_grad);
        Assert.False(y[1].requires_grad);
        y[0].sum().backward();
        Assert.Equal([2, 2, 2], Values(x.grad));
    }

    [Fact]
    public void A_gradient_of_another_dtype_is_cast_and_an_expandable_one_is_summed()
    {
        using Tensor x = Leaf();
        Lambda.Run((_, vars) => (Tensor)vars[0] * 2, (_, g) => [(g * 2).to(ScalarType.Float32)], x).sum().backward();
        Assert.Equal([2, 2, 2], Values(x.grad));
        Assert.Equal(ScalarType.Float64, x.grad.dtype);

        using Tensor b = Leaf();
        Lambda.Run((_, vars) => (Tensor)vars[0] * 2, (_, g) => [ones(4, 3, dtype: ScalarType.Float64)], b).sum().backward();
        Assert.Equal([4, 4, 4], Values(b.grad));
    }

    [Fact]
    public void A_gradient_of_a_wrong_shape_is_an_exception_at_backward_and_the_engine_goes_on()
    {
        using Tensor x = Leaf();
        Tensor y = Lambda.Run((_, vars) => (Tensor)vars[0] * 2, (_, g) => [ones(5, dtype: ScalarType.Float64)], x).sum();
        var e = Assert.ThrowsAny<ExternalException>(() => y.backward());
        Assert.Contains("shape", e.Message);
        CleanSquare.Run(x).sum().backward();
        Assert.Equal([2, -4, 6], Values(x.grad));
    }

    [Theory]
    [InlineData]
    [InlineData(1L)]
    [InlineData(3L, 2L)]
    public void A_complex_gradient_of_a_real_input_is_refused_at_every_shape(params long[] shape)
    {
        using Tensor x = zeros(shape, dtype: ScalarType.Float32, requires_grad: true);
        Tensor y = Lambda.Run((_, vars) => (Tensor)vars[0] * 2, (_, _) => [zeros(Array.Empty<long>(), dtype: ScalarType.ComplexFloat32)], x);
        Assert.ThrowsAny<ExternalException>(() => y.sum().backward());
    }

    [Fact]
    public void Backward_runs_on_the_thread_that_called_it()
    {
        using Tensor x = Leaf();
        int there = 0;
        Tensor y = Lambda.Run(
            (_, vars) => (Tensor)vars[0] * 2,
            (_, g) =>
            {
                there = Environment.CurrentManagedThreadId;
                return [g * 2];
            },
            x).sum();
        int other = 0;
        var thread = new Thread(() =>
        {
            other = Environment.CurrentManagedThreadId;
            y.backward();
        });
        thread.Start();
        thread.Join();
        Assert.Equal(other, there);
        Assert.NotEqual(Environment.CurrentManagedThreadId, there);
    }

    [Fact]
    public void Threads_walk_graphs_of_their_own_at_once()
    {
        double[][] gradients = new double[8][];
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, k =>
        {
            for (int i = 0; i < 100; i++)
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor x = tensor(new double[] { k, i }, requires_grad: true);
                CleanSquare.Run(x).sum().backward();
                gradients[k] = Values(x.grad);
                Assert.Equal([2.0 * k, 2.0 * i], gradients[k]);
            }

            Parked.Release();
        });
        Assert.All(gradients, Assert.NotNull);
    }

    [Fact]
    public void Threads_add_up_in_one_leaf()
    {
        using Tensor x = Leaf();
        Thread[] threads =
        [
            .. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
            {
                for (int i = 0; i < 50; i++)
                {
                    using DisposeScope scope = NewDisposeScope();
                    CleanSquare.Run(x).sum().backward();
                }

                Parked.Release();
            })),
        ];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.Equal([400, -800, 1200], Values(x.grad));
    }

    [Fact]
    public void A_chain_of_three_thousand_functions_is_walked_without_trouble_for_the_stack()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Leaf();
        Tensor y = x;
        for (int i = 0; i < 3000; i++)
        {
            y = CleanScale.Run(y, 1.001, 1.001);
        }

        y.sum().backward();
        Assert.Equal(Math.Pow(1.001, 3000), Values(x.grad)[0], 9);
    }

    [Fact]
    public void Anomaly_mode_names_the_node_that_returned_nan()
    {
        using Tensor x = Leaf();
        using AnomalyMode anomaly = detect_anomaly();
        Tensor y = Lambda.Run((_, vars) => (Tensor)vars[0] * 2, (_, g) => [g * double.NaN], x).sum();
        var e = Assert.ThrowsAny<ExternalException>(() => y.backward());
        Assert.Contains("Function 'CSharpNode' returned nan values in its 0th output", e.Message);
    }

    [Fact]
    public void An_exception_in_forward_reaches_the_caller_as_it_is_and_restores_grad_mode()
    {
        using Tensor x = Leaf();
        var thrown = new InvalidOperationException("from forward");
        Exception seen = Assert.Throws<InvalidOperationException>(() => Lambda.Run((_, _) => throw thrown, (_, _) => [], x));
        Assert.Same(thrown, seen);
        Assert.True(is_grad_enabled());
    }

    private static Tensor Leaf() => tensor(s_three, requires_grad: true);

    private static List<Tensor> TimesTwoAndThree(AutogradContext ctx, object[] vars) => [(Tensor)vars[0] * 2, (Tensor)vars[0] * 3];

    private static double[] Values(Tensor t) => CentralDifferences.Values(t);
}
