using static TorchSharpSoftmax.Kernels.Tests.Samples;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Values at the edges answer as libtorch does, whatever the width, wherever in the row they stand, and leave the neighbouring rows alone.</summary>
public abstract partial class SoftmaxKernelTests<S, E>
{
    /// <summary>Around every vector's lane count and every unrolled block.</summary>
    private static readonly int[] s_edgeLengths = [1, 2, 3, 5, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100, 129, 261];

    private static readonly int[] s_edgeInners = [1, 5, 21];

    private static double Largest => E.Stored.MaxFinite;

    [Fact]
    public void Minus_infinity_masks_an_element_wherever_it_stands() => AssertEdges(n =>
        from hidden in Positions(n)
        select With(n, hidden, double.NegativeInfinity));

    [Fact]
    public void Minus_infinity_masks_a_block_wherever_it_lies() => AssertEdges(n =>
        from first in (int[])[0, n / 4, n / 2]
        from count in (int[])[n / 4, n / 2, n * 3 / 4]
        where count < n
        select With(n, Enumerable.Range(first, Math.Min(count, n - first)), double.NegativeInfinity));

    [Fact]
    public void One_element_that_no_mask_hides_takes_everything() => AssertEdges(n =>
        from shown in Positions(n).Select(p => p.Single())
        from mask in Masks
        select With(n, Enumerable.Range(0, n).Where(i => i != shown), mask));

    [Fact]
    public void Finite_masks_hide_as_well_as_infinite_ones() => AssertEdges(n =>
        from mask in Masks
        from hidden in (int[][])[[0], [n - 1], [.. Enumerable.Range(0, n).Where(i => i % 2 == 1)], [.. Enumerable.Range(0, n / 2)]]
        select With(n, hidden, mask));

    [Fact]
    public void A_fully_masked_row_gives_NaN_and_a_log_sum_of_minus_infinity() => AssertEdges(n =>
        [Samples.Constant(n, double.NegativeInfinity)]);

    [Fact]
    public void Plus_infinity_anywhere_makes_the_row_NaN_and_its_log_sum_infinite() => AssertEdges(n =>
        from at in Positions(n)
        from others in (double[])[double.NaN, double.NegativeInfinity, -Largest]
        select double.IsNaN(others) ? With(n, at, double.PositiveInfinity) : With(Samples.Constant(n, others), at, double.PositiveInfinity));

    [Fact]
    public void NaN_anywhere_makes_the_row_NaN() => AssertEdges(n =>
        from at in Enumerable.Range(0, n)
        where n <= 33 || at % 7 == 0 || at > n - 18
        select With(n, [at], double.NaN));

    [Fact]
    public void NaN_wins_over_either_infinity() => AssertEdges(n =>
        from at in Positions(n)
        from others in (double[])[double.NegativeInfinity, double.PositiveInfinity, Largest, -Largest]
        select With(Samples.Constant(n, others), at, double.NaN));

    [Fact]
    public void Equal_elements_share_equally_whatever_their_size() => AssertEdges(n =>
        from value in (double[])[0, -0.0, 3.7, -3.7, 1e4, -1e4, 1e6, -1e6, 1e9, -1e9, 1e16, -1e16, 1e30, -1e30, Largest, -Largest]
        where Math.Abs(value) <= Largest
        select Samples.Constant(n, value));

    [Fact]
    public void The_largest_numbers_neither_overflow_nor_become_NaN() => AssertEdges(n =>
        from at in Positions(n)
        from value in (double[])[Largest, Largest / 2, Math.Min(1e16, Largest / 4), -Largest]
        from others in (double[])[double.NaN, -Largest, Largest / 2]
        select double.IsNaN(others) ? With(n, at, value) : With(Samples.Constant(n, others), at, value));

    /// <summary>Close together and far from zero: the exponent's reduction alone would lose them.</summary>
    [Fact]
    public void Clusters_far_from_zero_keep_their_precision() => AssertEdges(n =>
        from centre in (double[])[1e4, -1e4, 6e4, 1.3e5, -1.4e5, 1e6, -1e6, 1e8, -1e8, 1e12]
        where Math.Abs(centre) < Largest / 2
        from sigma in (double[])[3, 1e-3 * Math.Abs(centre)]
        select Samples.Normal(n, n, sigma, centre));

    [Fact]
    public void A_far_cluster_beside_small_numbers_keeps_its_precision() => AssertEdges(n =>
        from centre in (double[])[1e4, 1e6, 1e8]
        where centre < Largest / 2
        from sign in (double[])[1, -1]
        select Samples.Normal(n, n, 2, sign * centre).Select((x, i) => i % 3 == 0 ? x : i * 0.01).ToArray());

    [Fact]
    public void Subnormal_inputs_and_signed_zeros_are_nearly_zero() => AssertEdges(n =>
        from scale in (double[])[1, 37, 1e6]
        select Samples.Normal(n, n).Select((x, i) => i % 5 == 0 ? -0.0 : x * scale * E.Stored.MinSubnormal).ToArray());

    /// <summary>From the largest probability down through the subnormal ones to zero, by small steps.</summary>
    [Fact]
    public void Small_results_underflow_gradually()
    {
        double depth = 8 - Math.Log(E.Stored.MinSubnormal);
        AssertEdges(n => [[.. Enumerable.Range(0, n).Select(i => i == 0 ? 0 : -depth + (12.0 * i / n))], [.. Enumerable.Range(0, n).Select(i => -depth * i / n)]]);
    }

    [Fact]
    public void One_element_is_exactly_one_and_its_logarithm_exactly_zero()
    {
        foreach (int bits in Widths.Each())
        {
            foreach (SoftmaxAlgorithm algorithm in s_algorithms)
            {
                foreach (double x in (double[])[0, -0.0, 1.7, -88, 1e4, -65504, E.Stored.MinSubnormal, Largest, -Largest])
                {
                    foreach (Shape shape in (Shape[])[new(3, 1, 1), new(2, 1, 21)])
                    {
                        S[] row = Elements.From<S, E>(Samples.Constant(shape.Count, x));
                        Assert.All(_kernels.Run(Forward.Softmax, row, shape, algorithm), y => Assert.Equal(1, y));
                        Assert.All(_kernels.Run(Forward.LogSoftmax, row, shape, algorithm), y => Assert.Equal(0, y));
                    }
                }
            }
        }
    }

    [Fact]
    public void What_a_mask_hides_is_exactly_plus_zero()
    {
        foreach (int bits in Widths.Each())
        {
            foreach (SoftmaxAlgorithm algorithm in s_algorithms)
            {
                foreach (double mask in Masks)
                {
                    foreach (Shape shape in (Shape[])[new(3, 129, 1), new(2, 33, 21)])
                    {
                        double[] x = Samples.Normal(5, shape.Count);
                        for (int i = 0; i < x.Length; i += 4)
                        {
                            x[i] = mask;
                        }

                        double[] y = _kernels.Run(Forward.Softmax, Elements.From<S, E>(x), shape, algorithm);
                        for (int i = 0; i < x.Length; i += 4)
                        {
                            Assert.True(double.IsPositive(y[i]) && y[i] == 0, $"[{i}] masked by {mask} is {y[i]} ({algorithm}, {bits})");
                        }
                    }
                }
            }
        }
    }

    /// <summary>What users mask with; -65504 is half's own lowest number.</summary>
    private static IEnumerable<double> Masks =>
        ((double[])[double.NegativeInfinity, -Largest, -1e30, -1e9, -65504]).Where(m => double.IsInfinity(m) || Math.Abs(m) <= Largest);

    /// <summary>First, last, middle, and the borders of the tail.</summary>
    private static IEnumerable<int[]> Positions(int n) =>
        ((int[])[0, n - 1, n / 2, n - 2, n & ~3, n & ~7, n & ~15, (n & ~15) - 1]).Where(i => i >= 0 && i < n).Distinct().Select(i => (int[])[i]);

    /// <summary>Each edge row among ordinary ones, in both layouts.</summary>
    private void AssertEdges(Func<int, IEnumerable<double[]>> edges, [System.Runtime.CompilerServices.CallerMemberName] string test = "")
    {
        foreach (int n in s_edgeLengths)
        {
            foreach (int inner in s_edgeInners)
            {
                if (inner > 1 && n % 3 != 0 && n > 8)
                {
                    continue; // strided rows have no tail along the row: a third of the lengths will do
                }

                // Every third row is the edge's; what is exact for the others is found once.
                Shape shape = new(2, n, inner);
                S[] x = Normal(n, shape.Count, 2);
                Expected[][] exact = [.. s_forwards.Select(op => Exactly(op, x, shape))];
                foreach (double[] edge in edges(n))
                {
                    S[] row = Elements.From<S, E>(edge);
                    Expected[][] exactRow = [.. s_forwards.Select(op => Exactly(op, row, new(1, n, 1)))];
                    foreach ((int at, Line line) in shape.Lines.Index().Where(l => l.Index % 3 == 1))
                    {
                        foreach ((int k, int i) in line.Index())
                        {
                            x[i] = row[k];
                        }

                        for (int op = 0; op < s_forwards.Length; op++)
                        {
                            foreach ((int k, int i) in s_forwards[op] == Forward.LogSumExp ? [(0, at)] : line.Index())
                            {
                                exact[op][i] = exactRow[op][k];
                            }
                        }
                    }

                    AssertEdge(shape, x, exact, test);
                }
            }
        }
    }

    private static Expected[] Exactly(Forward op, S[] x, Shape shape)
    {
        Expected[] exact = Reference(op, Elements.ToDoubles<S, E>(x), shape);
        return op == Forward.Softmax ? [.. exact.Select(e => e.WithRoundedExponent)] : exact;
    }

    private void AssertEdge(Shape shape, S[] x, Expected[][] exact, string test)
    {
        foreach ((int index, Forward op) in s_forwards.Index())
        {
            foreach (int bits in Widths.Each(test))
            {
                foreach (SoftmaxAlgorithm algorithm in op == Forward.LogSumExp ? [SoftmaxAlgorithm.Auto] : s_algorithms)
                {
                    double[] y = _kernels.Run(op, x, shape, algorithm);
                    AssertClose(op, $"{op} {shape} {algorithm} width {bits}", y, exact[index]);
                }
            }
        }
    }
}
