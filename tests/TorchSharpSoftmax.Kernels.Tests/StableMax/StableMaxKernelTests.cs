using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>StableMax's kernels, closed once per stored type below; each test runs at every vector width, forward and backward, with and without the logarithm.</summary>
/// <remarks>This part: every length, layout, placement and thread count. The others: edges, accuracy and long rows.</remarks>
public abstract partial class StableMaxKernelTests<S, E> : IDisposable
    where S : unmanaged
    where E : IElement<S>
{
    /// <summary>The roundings of s(x), the sum, its inverse and the products, at worst all one way; what is promised is asserted beside it.</summary>
    private const double Units = 6;

    private static readonly Placement[] s_placements = Enum.GetValues<Placement>();

    private readonly StableMaxRunner<S, E> _kernels = new(300 * 40 * 4);

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
            Assert(new Shape(3, n, 1), Normal(n, 3 * n, 2), s_placements);
        }
    }

    [Fact]
    public void Lengths_of_a_middle_dimension_give_the_reference()
    {
        for (int n = 0; n <= 256; n += n < 40 ? 1 : 9)
        {
            foreach (int inner in (int[])[3, 19])
            {
                Assert(new Shape(2, n, inner), Normal(n, 2 * n * inner, 2), [s_placements[n % s_placements.Length]]);
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
                Assert(new Shape(2, n, inner), Normal(inner, 2 * n * inner, 2), [s_placements[inner % s_placements.Length]]);
            }
        }

        foreach (int inner in (int[])[63, 64, 65, 127, 129, 257])
        {
            Assert(new Shape(2, 11, inner), Normal(inner, 2 * 11 * inner, 2), s_placements);
        }
    }

    [Fact]
    public void No_rows_and_empty_rows_write_nothing()
    {
        foreach (int bits in Widths.Each())
        {
            foreach (Shape shape in (Shape[])[new(0, 5, 3), new(2, 0, 3), new(2, 5, 0), new(0, 0, 0)])
            {
                foreach (bool log in (bool[])[false, true])
                {
                    Xunit.Assert.Empty(_kernels.Forward(log, [], shape));
                    Xunit.Assert.Empty(_kernels.Backward(log, [], [], shape));
                }
            }
        }
    }

    /// <summary>Each operator, width and direction against the reference; other placements, other outputs and two threads must give the same bits.</summary>
    private void Assert(Shape shape, S[] x, Placement[] placements, S[]? gradient = null, [CallerMemberName] string test = "")
    {
        S[] dy = gradient ?? Normal(shape.Length + 1, shape.Count);
        foreach (bool log in (bool[])[false, true])
        {
            (Expected[] y, Expected[] dx) = Reference(log, x, dy, shape);
            foreach (int bits in Widths.Each(test))
            {
                string what = $"{(log ? "log " : "")}StableMax {shape} width {bits}";
                double[] forward = _kernels.Forward(log, x, shape, placements[0]), backward = _kernels.Backward(log, x, dy, shape, placement: placements[0]);
                Close.Assert(what, forward, y, E.Stored, E.Arithmetic, Units);
                Close.Assert($"{what} backward", backward, dx, E.Stored, E.Arithmetic, Units);
                foreach (Placement placement in placements)
                {
                    Bits.AssertSame<double>($"{what} {placement}", forward, _kernels.Forward(log, x, shape, placement));
                    Bits.AssertSame<double>($"{what} {placement} in place", forward, _kernels.Forward(log, x, shape, placement, inPlace: true));
                    foreach (Over over in Enum.GetValues<Over>())
                    {
                        Bits.AssertSame<double>($"{what} backward {placement} over {over}", backward, _kernels.Backward(log, x, dy, shape, over, placement));
                    }
                }

                Bits.AssertSame<double>($"{what} on two threads", forward, _kernels.Forward(log, x, shape, placements[^1], threads: 2));
                Bits.AssertSame<double>($"{what} backward on two threads", backward, _kernels.Backward(log, x, dy, shape, threads: 2));
            }
        }
    }

    private static (Expected[] Y, Expected[] Dx) Reference(bool log, S[] x, S[] dy, Shape shape)
    {
        double[] exactX = Elements.ToDoubles<S, E>(x), exactDy = Elements.ToDoubles<S, E>(dy);
        return log
            ? (StableMaxReference.LogStableMax(exactX, shape), StableMaxReference.LogStableMaxBackward(exactX, exactDy, shape))
            : (StableMaxReference.StableMax(exactX, shape), StableMaxReference.StableMaxBackward(exactX, exactDy, shape));
    }

    private static S[] Normal(int seed, int count, double sigma = 1, double mean = 0) => Elements.From<S, E>(Samples.Normal(seed, count, sigma, mean));
}

public sealed class FloatStableMaxKernelTests : StableMaxKernelTests<float, FloatElement>;

public sealed class DoubleStableMaxKernelTests : StableMaxKernelTests<double, DoubleElement>;

public sealed class BFloat16StableMaxKernelTests : StableMaxKernelTests<BFloat16, BFloat16Element>;

public sealed class HalfStableMaxKernelTests : StableMaxKernelTests<Half, HalfElement>;
