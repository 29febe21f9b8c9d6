using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The softmax family's kernels, closed once per stored type below; each test runs at every vector width.</summary>
/// <remarks>This part: every length, layout, placement, algorithm and thread count. The others: edges, accuracy, backward, long rows.</remarks>
public abstract partial class SoftmaxKernelTests<S, E> : IDisposable
    where S : unmanaged
    where E : IElement<S>
{
    /// <summary>The exponential's rounding, the sum's, the factor's and the product's, at worst all one way; what is promised is asserted beside it.</summary>
    private const double Units = 6;

    private static readonly Forward[] s_forwards = Enum.GetValues<Forward>();
    private static readonly SoftmaxAlgorithm[] s_algorithms = Enum.GetValues<SoftmaxAlgorithm>();
    private static readonly Placement[] s_placements = Enum.GetValues<Placement>();

    private readonly SoftmaxRunner<S, E> _kernels = new(300 * 40 * 4);

    public void Dispose()
    {
        _kernels.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Every_length_of_the_last_dimension_gives_the_reference()
    {
        for (int n = 0; n <= 256; n++)
        {
            AssertForward(new Shape(3, n, 1), Normal(n, 3 * n, 2), s_placements);
        }
    }

    [Fact]
    public void Lengths_of_a_middle_dimension_give_the_reference()
    {
        for (int n = 0; n <= 256; n += n < 40 ? 1 : 9)
        {
            foreach (int inner in (int[])[3, 19])
            {
                AssertForward(new Shape(2, n, inner), Normal(n, 2 * n * inner, 2), [s_placements[n % s_placements.Length]]);
            }
        }
    }

    [Fact]
    public void Every_inner_size_gives_the_reference()
    {
        for (int inner = 1; inner <= 40; inner++)
        {
            foreach (int n in (int[])[1, 2, 7, 33])
            {
                AssertForward(new Shape(3, n, inner), Normal(inner, 3 * n * inner, 2), s_placements);
            }
        }

        foreach (int inner in (int[])[63, 64, 65, 127, 129, 257])
        {
            AssertForward(new Shape(2, 11, inner), Normal(inner, 2 * 11 * inner, 2), s_placements);
        }
    }

    [Fact]
    public void No_rows_and_empty_rows_write_nothing_but_an_empty_sum()
    {
        foreach (int bits in Widths.Each())
        {
            foreach (Shape shape in (Shape[])[new(0, 5, 3), new(2, 0, 3), new(2, 5, 0), new(0, 0, 0)])
            {
                foreach (Forward op in s_forwards)
                {
                    double[] y = _kernels.Run(op, new S[shape.Count], shape, SoftmaxAlgorithm.Auto);
                    Assert.Equal(op == Forward.LogSumExp ? shape.Rows : 0, y.Length);
                    Assert.All(y, lse => Assert.Equal(double.NegativeInfinity, lse));
                }
            }
        }
    }

    /// <summary>Each operator, width and algorithm against the reference; other placements, in place and two threads must give the same bits.</summary>
    private void AssertForward(Shape shape, S[] x, Placement[] placements, [CallerMemberName] string test = "")
    {
        double[] exactly = Elements.ToDoubles<S, E>(x);
        foreach (Forward op in s_forwards)
        {
            Expected[] exact = Reference(op, exactly, shape);
            foreach (int bits in Widths.Each(test))
            {
                foreach (SoftmaxAlgorithm algorithm in op == Forward.LogSumExp ? [SoftmaxAlgorithm.Auto] : s_algorithms)
                {
                    string what = $"{op} {shape} {algorithm} width {bits}";
                    double[] y = _kernels.Run(op, x, shape, algorithm, placements[0]);
                    AssertClose(op, what, y, exact);
                    foreach (Placement placement in placements)
                    {
                        Bits.AssertSame<double>($"{what} {placement}", y, _kernels.Run(op, x, shape, algorithm, placement));
                        if (op != Forward.LogSumExp)
                        {
                            Bits.AssertSame<double>(
                                $"{what} {placement} in place", y, _kernels.Run(op, x, shape, algorithm, placement, inPlace: true));
                        }
                    }

                    Bits.AssertSame<double>($"{what} on two threads", y, _kernels.Run(op, x, shape, algorithm, placements[^1], threads: 2));
                }
            }
        }
    }

    private static Expected[] Reference(Forward op, double[] x, Shape shape) => op switch
    {
        Forward.Softmax => SoftmaxReference.Softmax(x, shape),
        Forward.LogSoftmax => SoftmaxReference.LogSoftmax(x, shape),
        _ => SoftmaxReference.LogSumExp(x, shape),
    };

    /// <summary>Log-sum-exps are not rounded to a narrower type.</summary>
    private static double AssertClose(Forward op, string what, ReadOnlySpan<double> actual, ReadOnlySpan<Expected> exact, double units = Units) =>
        Close.Assert(what, actual, exact, op == Forward.LogSumExp ? E.Arithmetic : E.Stored, E.Arithmetic, units);

    private static S[] Normal(int seed, int count, double sigma = 1, double mean = 0) => Elements.From<S, E>(Samples.Normal(seed, count, sigma, mean));
}

public sealed class FloatSoftmaxKernelTests : SoftmaxKernelTests<float, FloatElement>;

public sealed class DoubleSoftmaxKernelTests : SoftmaxKernelTests<double, DoubleElement>;

public sealed class BFloat16SoftmaxKernelTests : SoftmaxKernelTests<BFloat16, BFloat16Element>;

public sealed class HalfSoftmaxKernelTests : SoftmaxKernelTests<Half, HalfElement>;
