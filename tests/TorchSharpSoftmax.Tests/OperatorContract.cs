using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>What every operator of the family promises: libtorch's values and gradients on a grid, derivatives that gradcheck accepts, and its edges.</summary>
public abstract class OperatorContract
{
    public static TheoryData<ScalarType, string> Grid
    {
        get
        {
            var grid = new TheoryData<ScalarType, string>();
            foreach (var dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16])
            {
                foreach (string shape in (string[])["", "1", "7", "3,5", "2,1037", "5,1,33", "3,17,5", "2,3,4,19", "2,0", "0,3", "4,257,3"])
                {
                    grid.Add(dtype, shape);
                }
            }

            return grid;
        }
    }

    public static TheoryData<string, int> SmallShapes => new()
    {
        { "", -1 }, { "4", 0 }, { "3,4", 1 }, { "3,4", 0 }, { "2,3,2", 1 }, { "2,1,3", -3 }, { "2,1,3", 1 },
    };

    protected abstract SoftmaxOperator Operator { get; }

    [Theory]
    [MemberData(nameof(Grid))]
    public void Values_and_gradients_are_those_of_libtorch_along_every_dim(ScalarType dtype, string shape)
    {
        using var scope = NewDisposeScope();
        var random = new Random(17);
        var x = Logits(random, Shape(shape), dtype, spread: 6);
        int dims = Math.Max(1, (int)x.ndim);
        for (int dim = -dims; dim < dims; dim++)
        {
            foreach (var algorithm in Operator.Algorithms)
            {
                Operator.Check($"{dtype} {shape}", x, dim, algorithm, random);
            }
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void A_transposed_sliced_or_expanded_input_gives_the_values_of_its_contiguous_copy(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(5);
        var x = Logits(random, [6, 5, 8], dtype, spread: 4);
        Tensor[] layouts = [x.transpose(0, 2), x.narrow(2, 1, 6), x.narrow(0, 2, 3), x.narrow(1, 2, 1).expand(6, 7, 8)];
        foreach (var layout in layouts)
        {
            for (int dim = 0; dim < 3; dim++)
            {
                Operator.Check($"{dtype} {Check.Text(layout.shape)} strides {Check.Text(layout.stride())}", layout, dim, SoftmaxAlgorithm.Auto, random);
                var (strided, contiguous) = (Operator.Actual(layout, dim, SoftmaxAlgorithm.Auto), Operator.Actual(layout.contiguous(), dim, SoftmaxAlgorithm.Auto));
                Assert.Equal(ElementAccess.Values(contiguous), ElementAccess.Values(strided));
            }
        }
    }

    /// <summary>Every edge at every place of a short and of a long row, at every dtype and algorithm: the class of libtorch's answer.</summary>
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Masks_NaN_infinities_and_the_largest_numbers_give_what_libtorch_gives(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        double max = Max(dtype), infinity = double.PositiveInfinity;
        double[] edges = [-infinity, infinity, double.NaN, -max, max, -max / 2, max / 2, -1e9, -1e4, -65504, 1e4, 88.7, -104, 0];
        var random = new Random(3);
        foreach (int length in (int[])[1, 2, 3, 40, 700])
        {
            foreach (double edge in edges)
            {
                double value = Math.Abs(edge) > max && double.IsFinite(edge) ? Math.CopySign(max, edge) : edge;
                foreach (string pattern in (string[])["first", "last", "middle", "half", "all", "all but one", "with -max"])
                {
                    EdgeRow(dtype, Row(length, value, pattern, max), $"{value} {pattern} of {length}", random);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(SmallShapes))]
    public void First_and_second_derivatives_pass_gradcheck(string shape, int dim)
    {
        using var scope = NewDisposeScope();
        var x = Logits(new Random(11), Shape(shape), ScalarType.Float64, spread: 1).requires_grad_();
        foreach (var algorithm in Operator.DistinctAlgorithms)
        {
            Assert.True(torch.autograd.gradcheck(t => Operator.Actual(t, dim, algorithm), x, check_grad_dtypes: true));
            Assert.True(torch.autograd.gradgradcheck(t => Operator.Actual(t, dim, algorithm), x, check_grad_dtypes: true));
            Assert.True(torch.autograd.gradgradcheck(t => Operator.Actual(t, dim, algorithm), x, gen_non_contig_grad_outputs: true));
        }
    }

    [Fact]
    public void Derivatives_of_a_strided_input_pass_gradcheck()
    {
        using var scope = NewDisposeScope();
        var x = Logits(new Random(12), [4, 3, 2], ScalarType.Float64, spread: 1);
        foreach (var view in (Tensor[])[x.transpose(0, 1), x.narrow(1, 1, 2)])
        {
            Assert.True(torch.autograd.gradcheck(t => Operator.Actual(t, 1, SoftmaxAlgorithm.Auto), view.detach().requires_grad_()));
            Assert.True(torch.autograd.gradgradcheck(t => Operator.Actual(t, 1, SoftmaxAlgorithm.Auto), view.detach().requires_grad_()));
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Second_derivatives_of_every_dtype_are_those_of_float64(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(22);
        var x = Logits(random, [7, 5], dtype, 2);
        var dy = SoftmaxOperator.Upstream(Operator.Actual(x, 1, SoftmaxAlgorithm.Auto), random);
        var v = SoftmaxOperator.Upstream(x, random);
        double[] actual = Second(t => Operator.Actual(t, 1, SoftmaxAlgorithm.Auto), x, dy, v);
        double[] exact = Second(t => Operator.Libtorch(t, 1), x.to_type(ScalarType.Float64), dy.to_type(ScalarType.Float64), v.to_type(ScalarType.Float64));
        Assert.All(actual.Zip(exact), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 24 * Close.Epsilon(dtype)));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void The_first_derivative_under_create_graph_is_the_same_bit_for_bit(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(8);
        foreach (int dim in (int[])[0, 1, 2])
        {
            var x = Logits(random, [5, 37, 9], dtype, spread: 5);
            Tensor plain = x.detach().requires_grad_(), graphed = x.detach().requires_grad_();
            var dy = SoftmaxOperator.Upstream(Operator.Actual(x, dim, SoftmaxAlgorithm.Auto), random);
            autograd.backward(Operator.Actual(plain, dim, SoftmaxAlgorithm.Auto), dy);
            autograd.backward(Operator.Actual(graphed, dim, SoftmaxAlgorithm.Auto), dy, create_graph: true);
            var withGraph = graphed.grad!;
            graphed.grad = null;
            Assert.True(withGraph.requires_grad);
            Assert.Equal(plain.grad!.bytes.ToArray(), withGraph.contiguous().bytes.ToArray());
        }
    }

    /// <summary>Normal numbers, neither one-hot nor uniform.</summary>
    internal static Tensor Logits(Random random, long[] shape, ScalarType dtype, double spread)
    {
        var values = new double[shape.Aggregate(1L, (product, size) => product * size)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = spread * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        }

        using var wide = tensor(values, shape, ScalarType.Float64);
        return wide.to_type(dtype);
    }

    /// <summary>The gradients by x and by dy of sum(v * dx), one after the other.</summary>
    private static double[] Second(Func<Tensor, Tensor> f, Tensor x, Tensor dy, Tensor v)
    {
        Tensor leaf = x.detach().requires_grad_(), upstream = dy.detach().requires_grad_();
        autograd.backward(f(leaf), upstream, create_graph: true);
        var dx = leaf.grad!;
        leaf.grad = upstream.grad = null;
        autograd.backward(dx, v);
        return [.. ElementAccess.Values(leaf.grad!), .. ElementAccess.Values(upstream.grad!)];
    }

    private static double Max(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 => double.MaxValue,
        ScalarType.Float32 => float.MaxValue,
        ScalarType.Float16 => 65504,
        _ => 3.3895313892515355e38,
    };

    private static long[] Shape(string text) => text.Length == 0 ? [] : [.. text.Split(',').Select(long.Parse)];

    private static double[] Row(int length, double edge, string pattern, double max)
    {
        var random = new Random(length);
        var row = new double[length];
        for (int i = 0; i < length; i++)
        {
            bool isEdge = pattern switch
            {
                "first" => i == 0,
                "last" => i == length - 1,
                "middle" => i == length / 2,
                "half" => i % 2 == 0,
                "all but one" => i != length / 3,
                "with -max" => i == length / 2,
                _ => true,
            };
            row[i] = isEdge ? edge : pattern == "with -max" ? -max : random.NextDouble() * 4 - 2;
        }

        return row;
    }

    private void EdgeRow(ScalarType dtype, double[] row, string what, Random random)
    {
        using var scope = NewDisposeScope();
        var x = tensor(row, [1, row.Length], ScalarType.Float64).to_type(dtype);
        foreach (var algorithm in Operator.DistinctAlgorithms)
        {
            Operator.Check($"{dtype} {what}", x, 1, algorithm, random);
            Operator.Check($"{dtype} {what}, as a column", x.transpose(0, 1).contiguous(), 0, algorithm, random);
        }
    }
}

public sealed class TwoPassSoftmaxTests : OperatorContract
{
    protected override SoftmaxOperator Operator => SoftmaxOperator.Named("softmax");
}

public sealed class TwoPassLogSoftmaxTests : OperatorContract
{
    protected override SoftmaxOperator Operator => SoftmaxOperator.Named("log_softmax");
}

public sealed class TwoPassLogSumExpTests : OperatorContract
{
    protected override SoftmaxOperator Operator => SoftmaxOperator.Named("logsumexp");
}

public sealed class StableMaxTests : OperatorContract
{
    protected override SoftmaxOperator Operator => SoftmaxOperator.Named("stablemax");
}

public sealed class LogStableMaxTests : OperatorContract
{
    protected override SoftmaxOperator Operator => SoftmaxOperator.Named("log_stablemax");
}
