using System.Runtime.CompilerServices;
using static TorchSharpSoftmax.Kernels.Tests.Samples;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Values at the edges, whatever the width, wherever in the row they stand; the neighbouring rows are left alone.</summary>
public abstract partial class StableMaxKernelTests<S, E>
{
    /// <summary>Around vectors' lane counts and unrolled blocks; every length is walked by ordinary rows.</summary>
    private static readonly int[] s_edgeLengths = [1, 2, 3, 8, 9, 17, 33, 64, 129, 261];

    private static double Largest => E.Stored.MaxFinite;

    [Fact]
    public void Minus_infinity_masks_elements_wherever_they_stand() => AssertEdges(n =>
        from hidden in (int[][])[[0], [n - 1], [n / 2], [.. Enumerable.Range(0, n / 2)], [.. Enumerable.Range(0, n).Where(i => i % 3 == 1)], [.. Enumerable.Range(1, n - 1)]]
        select With(n, hidden, double.NegativeInfinity));

    [Fact]
    public void A_fully_masked_row_gives_NaN() => AssertEdges(n => [Samples.Constant(n, double.NegativeInfinity)]);

    [Fact]
    public void NaN_anywhere_makes_the_row_NaN() => AssertEdges(n =>
        from at in Enumerable.Range(0, n)
        where n <= 17 || at % 13 == 0 || at > n - 4
        select With(n, [at], double.NaN));

    [Fact]
    public void Plus_infinity_anywhere_makes_the_row_NaN() => AssertEdges(n =>
        from at in (int[])[0, n / 2, n - 1]
        from others in (double[])[0, double.NegativeInfinity, -Largest]
        select others == 0 ? With(n, [at], double.PositiveInfinity) : With(Samples.Constant(n, others), [at], double.PositiveInfinity));

    [Fact]
    public void Equal_elements_share_equally_whatever_their_size() => AssertEdges(n =>
        from size in (double[])[0, 1, 3.7, 1e4, 1e9, 1e16, 1e19, 1e25, 1e30, 1e37, 9e37, 2e38, 1e300, Largest / 2, Largest]
        where size <= Largest
        from sign in (double[])[1, -1]
        select Samples.Constant(n, sign * size));

    /// <summary>Sums that overflow, inverses that would be subnormal, and s(x) that would be.</summary>
    [Fact]
    public void The_largest_numbers_neither_overflow_nor_become_NaN() => AssertEdges(n =>
        from at in (int[])[0, n / 2, n - 1]
        from value in (double[])[Largest, -Largest, Math.Min(1e19, Largest / 4)]
        from others in (double[])[0, -Largest, Largest, -Largest / 3]
        select others == 0 ? With(n, [at], value) : With(Samples.Constant(n, others), [at], value));

    [Fact]
    public void Rows_of_every_magnitude_keep_their_precision() => AssertEdges(n =>
        from exponent in (int[])[-30, -12, 4, 12, 15, 17, 40, 63, 65, 100, 120, 126, 900, 1020]
        where exponent < E.Stored.MaxExponent - 3
        from sign in (int[])[-1, 0, 1]
        select Samples.Normal(n, n).Select(x => Math.ScaleB(sign == 0 ? x : sign * Math.Abs(x), exponent)).ToArray());

    /// <summary>One is where the reference implementation's unused branch divides by zero; zero is where sign(x) would lose the slope.</summary>
    [Fact]
    public void One_zero_and_their_neighbours_are_nothing_special() => AssertEdges(n =>
        from value in (double[])[1, -1, 0, -0.0, E.Stored.MinSubnormal, -E.Stored.MinSubnormal, 1 + E.Stored.Ulp(1), 1 - (E.Stored.Ulp(1) / 2)]
        select With(n, [n / 2, n - 1], value));

    /// <summary>Up to numbers whose 1 / (1 + |x|) is not subnormal itself.</summary>
    [Fact]
    public void Gradients_of_every_size_neither_overflow_nor_underflow_on_the_way()
    {
        foreach (int n in (int[])[2, 17, 100])
        {
            foreach (double size in (double[])[E.Stored.MaxFinite / 1024, E.Stored.MinNormal * 256])
            {
                foreach (double magnitude in (double[])[1, -1e4, 1e4, Largest / 16, -Largest / 16])
                {
                    Shape shape = new(2, n, n == 17 ? 5 : 1);
                    S[] dy = Elements.From<S, E>([.. Samples.Normal(n, shape.Count).Select(d => Math.Clamp(d, -3, 3) * size)]);
                    double[] x = [.. Samples.Normal(n + 1, shape.Count).Select(x => magnitude == 1 ? x : magnitude * Math.Clamp(Math.Abs(x), 0.1, 3))];
                    Assert(shape, Elements.From<S, E>(x), [Placement.Ending], dy);
                }
            }
        }
    }

    [Fact]
    public void NaN_in_a_gradient_stays_in_its_row()
    {
        foreach (int n in (int[])[1, 5, 16, 33, 100])
        {
            foreach (int inner in (int[])[1, 5, 21])
            {
                Shape shape = new(2, n, inner);
                double[] dy = Samples.Normal(n, shape.Count);
                dy[n / 2 * inner] = double.NaN;
                Assert(shape, Normal(n, shape.Count, 2), [Placement.Ending], Elements.From<S, E>(dy));
            }
        }
    }

    [Fact]
    public void One_element_is_exactly_one_its_logarithm_and_its_gradient_exactly_zero()
    {
        foreach (int bits in Widths.Each())
        {
            foreach (double x in (double[])[0, -0.0, 1, 1.7, -88, 1e4, -65504, E.Stored.MinSubnormal, Largest, -Largest])
            {
                foreach (Shape shape in (Shape[])[new(3, 1, 1), new(2, 1, 21)])
                {
                    S[] row = Elements.From<S, E>(Samples.Constant(shape.Count, x)), dy = Normal(1, shape.Count);
                    Xunit.Assert.All(_kernels.Forward(false, row, shape), y => Xunit.Assert.Equal(1, y));
                    Xunit.Assert.All(_kernels.Forward(true, row, shape), y => Xunit.Assert.Equal(0, y));
                    Xunit.Assert.All(_kernels.Backward(false, row, dy, shape), d => Xunit.Assert.Equal(0, d));
                    Xunit.Assert.All(_kernels.Backward(true, row, dy, shape), d => Xunit.Assert.Equal(0, d));
                }
            }
        }
    }

    [Fact]
    public void A_logarithm_of_a_probability_is_never_positive()
    {
        double[] ones = [.. Enumerable.Range(1, 300).SelectMany(k => (double[])[Math.Min(k * 1.1e8, Largest / 400 * k), k % 2 == 0 ? double.NegativeInfinity : -1e4])];
        foreach (int bits in Widths.Each())
        {
            foreach (Shape shape in (Shape[])[new(300, 2, 1), new(1, 2, 300)])
            {
                double[] x = shape.Inner == 1 ? ones : [.. ones.Where((_, i) => i % 2 == 0), .. ones.Where((_, i) => i % 2 == 1)];
                Xunit.Assert.All(_kernels.Forward(true, Elements.From<S, E>(x), shape), y => Xunit.Assert.True(y <= 0, $"{y} at width {bits}"));
            }
        }
    }

    /// <summary>Each edge row among ordinary ones, in both layouts.</summary>
    private void AssertEdges(Func<int, IEnumerable<double[]>> edges, [CallerMemberName] string test = "")
    {
        foreach (int n in s_edgeLengths)
        {
            foreach (double[] edge in edges(n))
            {
                AssertEdge(new Shape(3, n, 1), edge, test);
                if (n is 2 or 9 or 33)
                {
                    AssertEdge(new Shape(1, n, 5), edge, test); // strided rows have no tail along the row
                    AssertEdge(new Shape(1, n, 21), edge, test);
                }
            }
        }
    }

    private void AssertEdge(Shape shape, double[] edge, string test)
    {
        double[] values = Samples.Normal(shape.Length, shape.Count, 2);
        foreach (Line line in shape.Lines.Where((_, row) => row % 3 == 1))
        {
            foreach ((int k, int i) in line.Index())
            {
                values[i] = edge[k];
            }
        }

        S[] x = Elements.From<S, E>(values), dy = Normal(shape.Length + 1, shape.Count);
        foreach (bool log in (bool[])[false, true])
        {
            (Expected[] y, Expected[] dx) = Reference(log, x, dy, shape);
            foreach (int bits in Widths.Each(test))
            {
                string what = $"{(log ? "log " : "")}StableMax {shape} width {bits}";
                Close.Assert(what, _kernels.Forward(log, x, shape), y, E.Stored, E.Arithmetic, Units);
                Close.Assert($"{what} backward", _kernels.Backward(log, x, dy, shape), dx, E.Stored, E.Arithmetic, Units);
            }
        }
    }
}
