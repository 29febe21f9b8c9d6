using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>What StableMax promises beyond the contract of its family: the defects of the paper's reference code, the path without a kernel, refusals, outputs.</summary>
public sealed class StableMaxFunctionTests
{
    public static TheoryData<bool, ScalarType> Operators
    {
        get
        {
            var all = new TheoryData<bool, ScalarType>();
            foreach (var dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16])
            {
                all.Add(false, dtype);
                all.Add(true, dtype);
            }

            return all;
        }
    }

    /// <summary>A logit of 1 gives NaN in the reference code, as a mask does; at 0 the sign's gradient would be 0; the rest is large.</summary>
    [Theory]
    [MemberData(nameof(Operators))]
    public void One_zero_masks_and_large_logits_have_the_values_and_gradients_of_the_definition(bool log, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        double large = dtype == ScalarType.Float16 ? 60000 : 1e8;
        double[] x = [1, 0, -1, double.NegativeInfinity, 2.5, -0.75, large, -large, 1], dy = [.3, -.7, .9, .2, -1.1, .6, .4, -.5, .8];
        foreach (int count in (int[])[6, x.Length])
        {
            var (exactY, exactDx, scaleY, scaleDx) = Exact(log, x[..count], dy[..count]);
            foreach (bool column in (bool[])[false, true])
            {
                long[] shape = column ? [count, 1, 1] : [1, count];
                foreach (bool composed in (bool[])[false, true])
                {
                    var leaf = tensor(x[..count], shape, ScalarType.Float64).to_type(dtype).requires_grad_();
                    var y = composed ? Composed(log, leaf, column ? 0 : 1) : Apply(log, leaf, column ? 0 : 1);
                    autograd.backward(y, tensor(dy[..count], shape, ScalarType.Float64).to_type(dtype));
                    double units = (composed ? 40 : 8) * Close.Epsilon(dtype); // the composed one carries the rounding of a logarithm of up to 18
                    double step = dtype == ScalarType.Float16 ? Math.ScaleB(1, -24) : 0; // of a subnormal half
                    AssertNear($"composed {composed}, {dtype}", exactY, ElementAccess.Values(y), scaleY, units, step);
                    AssertNear($"gradient, composed {composed}, {dtype}", exactDx, ElementAccess.Values(leaf.grad!), scaleDx, units, step);
                }
            }
        }
    }

    /// <summary>A 16-bit output would cost the gradient of confident rows their bits: it is computed from the input.</summary>
    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void A_16_bit_gradient_is_the_exact_one_rounded_once(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(21);
        foreach (bool log in (bool[])[false, true])
        {
            var x = OperatorContract.Logits(random, [50, 40], dtype, 4);
            var dy = SoftmaxOperator.Upstream(x, random);
            Tensor narrow = x.detach().requires_grad_(), wide = x.to_type(ScalarType.Float64).requires_grad_();
            autograd.backward(Apply(log, narrow, 1), dy);
            autograd.backward(Composed(log, wide, 1), dy.to_type(ScalarType.Float64));
            double[] rounded = ElementAccess.Values(wide.grad!.to_type(dtype)), actual = ElementAccess.Values(narrow.grad!);

            // float arithmetic may tip a value that lies between two numbers to the other one: seldom, and by one place
            int other = Enumerable.Range(0, actual.Length).Count(i => actual[i] != rounded[i]);
            Assert.InRange(other, 0, actual.Length / 100);
            Assert.All(actual.Zip(rounded), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, (Math.Abs(pair.Second) * Close.Epsilon(dtype)) + 1e-7));
        }
    }

    [Fact]
    public void The_path_without_a_kernel_passes_gradcheck()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(11), [3, 4], ScalarType.Float64, 1).requires_grad_();
        foreach (bool log in (bool[])[false, true])
        {
            Assert.True(torch.autograd.gradcheck(t => Composed(log, t, 1), x));
            Assert.True(torch.autograd.gradgradcheck(t => Composed(log, t, 0), x));
        }
    }

    [Fact]
    public void Logits_that_are_no_floating_numbers_are_refused_by_name()
    {
        using var scope = NewDisposeScope();
        foreach (var dtype in (ScalarType[])[ScalarType.Int64, ScalarType.Int32, ScalarType.Bool, ScalarType.ComplexFloat32])
        {
            var x = ones([2, 3], dtype);
            string message = $"'input' has dtype {dtype}; a floating dtype is required: 'dtype' casts to one first.";
            Refuses("input", message, () => nn.functional.stablemax(x));
            Refuses("input", message, () => nn.functional.log_stablemax(x));
            Refuses("input", message, () => nn.functional.stablemax_(x));
            Refuses("input", message, () => nn.functional.log_stablemax_(x));
            Refuses("input", message, () => nn.StableMax(1).call(x));
            Refuses("dtype", $"'dtype' is {dtype}; a floating dtype is required.", () => nn.functional.stablemax(zeros(2, 3), dtype: dtype));
        }
    }

    [Fact]
    public void Bad_arguments_are_refused_by_name_before_anything_is_done()
    {
        using var scope = NewDisposeScope();
        var (x, leaf, gone) = (zeros(2, 3), zeros(2, 3).requires_grad_(), zeros(1));
        gone.Dispose();
        var (nodes, tensors) = Live.Counts();
        Refuses("dim", "'dim' is 2; a tensor of 2 dimensions takes -2 to 1.", () => nn.functional.stablemax(leaf, 2));
        Refuses("dim", "'dim' is -3; a tensor of 2 dimensions takes -2 to 1.", () => nn.LogStableMax(-3).call(leaf));
        Refuses("input", "'input' is null; a tensor is required.", () => nn.functional.stablemax(null!));
        Refuses("input", "'input' has been disposed; a live tensor is required.", () => nn.functional.log_stablemax(gone));
        Refuses("input", "'input' requires grad; stablemax_ is not differentiable:", () => nn.functional.stablemax_(leaf));
        Refuses("input", "'input' requires grad; log_stablemax with 'out' is not differentiable:", () => nn.functional.log_stablemax(leaf, @out: x));
        Assert.Equal((nodes, tensors), (Live.Nodes, Tensor.TotalCount));
        Refuses("out", "'out' has shape [3, 2]; [2, 3] is required.", () => nn.functional.stablemax(x, @out: zeros(3, 2)));
        Refuses("out", "'out' has dtype Float64; Float32 is required.", () => nn.functional.stablemax(x, @out: zeros([2, 3], ScalarType.Float64)));
        var memory = zeros(40);
        Refuses("out", "'out' overlaps the memory of 'input';", () => nn.functional.stablemax(memory.narrow(0, 0, 6), @out: memory.narrow(0, 3, 6)));
    }

    [Theory]
    [MemberData(nameof(Operators))]
    public void In_place_and_out_give_the_values_of_the_functional_form_at_any_strides(bool log, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(4), [5, 33, 7], dtype, 3);
        foreach (int dim in (int[])[0, 1, -1])
        {
            foreach (var view in (Tensor[])[x, x.transpose(0, 1), x.narrow(1, 3, 20), x.narrow(0, 2, 1).narrow(1, 3, 1).narrow(2, 1, 1)])
            {
                double[] expected = ElementAccess.Values(Apply(log, view, dim));
                Tensor own = ElementAccess.Twin(view), other = ElementAccess.Twin(view);
                Assert.Same(own, log ? nn.functional.log_stablemax_(own, dim) : nn.functional.stablemax_(own, dim));
                Assert.Same(other, log ? nn.functional.log_stablemax(view, dim, @out: other) : nn.functional.stablemax(view, dim, @out: other));
                Assert.Equal(expected, ElementAccess.Values(own));
                Assert.Equal(expected, ElementAccess.Values(other));
            }
        }
    }

    [Fact]
    public void A_graph_that_saved_the_input_notices_that_it_was_overwritten()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(2), [3, 4], ScalarType.Float32, 1).requires_grad_();
        var y = nn.functional.stablemax(x * x);
        y.sum().backward(); // untouched, it works
        var product = x * x;
        var z = nn.functional.stablemax(product);
        using (no_grad())
        {
            nn.functional.stablemax_(product);
        }

        Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => z.sum().backward());
        Assert.Contains("modified by an inplace operation", Diagnostics.TakeBackwardError()!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_dtype_argument_casts_first_and_passes_the_gradient_back_in_the_inputs_dtype()
    {
        using var scope = NewDisposeScope();
        foreach (var (from, to) in ((ScalarType, ScalarType)[])[(ScalarType.Int64, ScalarType.Float32), (ScalarType.BFloat16, ScalarType.Float64), (ScalarType.Float64, ScalarType.Float16)])
        {
            foreach (bool log in (bool[])[false, true])
            {
                var x = OperatorContract.Logits(new Random(9), [4, 6], ScalarType.Float64, 3).to_type(from);
                var y = log ? nn.functional.log_stablemax(x, 1, to) : nn.functional.stablemax(x, 1, to);
                Assert.Equal(to, y.dtype);
                Assert.Equal(ElementAccess.Values(Apply(log, x.to_type(to), 1)), ElementAccess.Values(y));
                if (from != ScalarType.Int64)
                {
                    var leaf = x.detach().requires_grad_();
                    autograd.backward(log ? nn.functional.log_stablemax(leaf, 1, to) : nn.functional.stablemax(leaf, 1, to), SoftmaxOperator.Upstream(y, new Random(1)));
                    Assert.Equal(from, leaf.grad!.dtype);
                    Assert.Contains(ElementAccess.Values(leaf.grad!), d => d != 0);
                }
            }
        }
    }

    [Fact]
    public void Modules_are_on_torch_nn_and_work_in_a_sequence()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(1), [3, 4], ScalarType.Float32, 1);
        using Modules.StableMax stableMax = TorchSharp.torch.nn.StableMax(dim: 0);
        using Modules.LogStableMax logStableMax = nn.LogStableMax(-1);
        Assert.Equal((0, -1), (stableMax.dim, logStableMax.dim));
        Assert.Equal(ElementAccess.Values(nn.functional.stablemax(x, 0)), ElementAccess.Values(stableMax.call(x)));
        Assert.Equal(ElementAccess.Values(nn.functional.log_stablemax(x)), ElementAccess.Values(logStableMax.call(x)));
        using var model = nn.Sequential(nn.Linear(4, 5), nn.StableMax(1));
        Assert.Equal([3, 5], model.call(x).shape);
    }

    private static Tensor Apply(bool log, Tensor x, int dim) => log ? nn.functional.log_stablemax(x, dim) : nn.functional.stablemax(x, dim);

    private static Tensor Composed(bool log, Tensor x, int dim) => log ? StableMaxComposed.LogStableMax(x, dim) : StableMaxComposed.StableMax(x, dim);

    /// <summary>From the definition, in double: s(x) / sum(s(x)), its derivatives by s', and the size of the terms that either is made of.</summary>
    private static (double[] Y, double[] Dx, double[] ScaleY, double[] ScaleDx) Exact(bool log, double[] x, double[] dy)
    {
        double[] s = [.. x.Select(v => v >= 0 ? v + 1 : 1 / (1 - v))], slope = [.. x.Select(v => 1 / (1 + Math.Abs(v)))];
        double sum = s.Sum();
        double[] p = [.. s.Select(v => v / sum)];
        double dot = p.Zip(dy, (a, b) => a * b).Sum(), size = p.Zip(dy, (a, b) => Math.Abs(a * b)).Sum(), all = dy.Sum(), allSize = dy.Sum(d => Math.Abs(d));
        return log
            ? ([.. p.Select(v => Math.Log(v))], [.. slope.Select((g, i) => g * (dy[i] - (p[i] * all)))],
               [.. s.Select(v => 1 + Math.Abs(Math.Log(v)) + Math.Log(sum))], [.. slope.Select((g, i) => g * (Math.Abs(dy[i]) + (p[i] * allSize)))])
            : (p, [.. slope.Select((g, i) => p[i] * g * (dy[i] - dot))],
               p, [.. slope.Select((g, i) => p[i] * g * (Math.Abs(dy[i]) + size))]);
    }

    private static void AssertNear(string what, double[] exact, double[] actual, double[] scale, double units, double step)
    {
        for (int i = 0; i < exact.Length; i++)
        {
            bool near = double.IsFinite(exact[i]) ? Math.Abs(actual[i] - exact[i]) <= (units * scale[i]) + step : actual[i].Equals(exact[i]);
            Assert.True(near, $"[{i}] of {exact.Length}, {what}: {actual[i]:R} where {exact[i]:R} is exact.");
        }
    }

    private static void Refuses(string argument, string message, Action action)
    {
        var refusal = Assert.ThrowsAny<ArgumentException>(action);
        Assert.Equal(argument, refusal.ParamName);
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
    }
}
