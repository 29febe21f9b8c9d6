using System.Runtime.CompilerServices;
using static TorchSharpSoftmax.Kernels.Tests.Samples;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The cross-entropies' kernels, closed once per stored type below; each test runs at every vector width, on guarded memory.</summary>
public abstract class CrossEntropyKernelTests<S, E> : IDisposable
    where S : unmanaged
    where E : IElement<S>
{
    /// <summary>The term's rounding, the sum's, the factor's and the products', at worst all one way.</summary>
    private const double Units = 8;

    private static readonly CrossEntropyLink[] s_links = Enum.GetValues<CrossEntropyLink>();
    private static readonly Placement[] s_placements = Enum.GetValues<Placement>();

    private readonly CrossEntropyRunner<S, E> _kernels = new(200_000, 1000);

    private static double Largest => E.Stored.MaxFinite;

    public void Dispose()
    {
        _kernels.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Every_length_gives_the_reference()
    {
        for (int n = 0; n <= 256; n++)
        {
            foreach (CrossEntropyLink link in s_links)
            {
                AssertAll(Problem(link, n, 3, n, 3, kind: n % 4));
            }
        }
    }

    /// <summary>Every kind of target, with several blocks of rows and a block that is not full.</summary>
    [Theory]
    [InlineData(150, 113)]
    [InlineData(67, 5)]
    [InlineData(2, 20011)]
    public void Many_rows_and_long_rows_give_the_reference(int rows, int n)
    {
        foreach (CrossEntropyLink link in s_links)
        {
            for (int kind = 0; kind < 4; kind++)
            {
                if (n < 1000 || kind is 0 or 3)
                {
                    AssertAll(Problem(link, n + kind, rows, n, 4, kind));
                }
            }
        }
    }

    [Fact]
    public void Masks_hide_elements_wherever_they_stand() => AssertEdges(n =>
        from first in (int[])[0, 1, n / 2]
        from step in (int[])[1, 2, 7]
        select With(n, Enumerable.Range(first, n - first).Where(i => (i - first) % step == 0), double.NegativeInfinity));

    [Fact]
    public void NaN_or_plus_infinity_anywhere_makes_the_row_NaN() => AssertEdges(n =>
        from at in Enumerable.Range(0, n)
        where n < 20 || at % 9 == 0 || at > n - 4
        from value in (double[])[double.NaN, double.PositiveInfinity]
        select With(n, [at], value));

    [Fact]
    public void Equal_logits_share_equally_whatever_their_size() => AssertEdges(n =>
        from value in (double[])[0, -0.0, 1, -1, 3.7, 1e4, -1e4, 1e8, -1e8, Largest, -Largest / 2]
        where Math.Abs(value) <= Largest
        select Samples.Constant(n, value));

    [Fact]
    public void The_largest_logit_is_left_out_wherever_it_stands() => AssertEdges(n =>
        from at in Enumerable.Range(0, n)
        where n < 20 || at % 9 == 0 || at > n - 4
        from value in (double[])[20, 60, 1e4, 1e8]
        where value <= Largest
        select With(n, [at], value));

    [Fact]
    public void Two_largest_logits_share() => AssertEdges(n =>
        from at in Enumerable.Range(0, n - 1)
        where n < 10 || at % 7 == 0
        select With(n, [at, n - 1], 50));

    [Fact]
    public void The_largest_numbers_neither_overflow_nor_become_NaN() => AssertEdges(n =>
        from at in (int[])[0, n / 2, n - 1]
        let large = E.Stored == FloatFormat.Double ? Largest / 128 : Largest // the reference itself is made of doubles
        from value in (double[])[large, large / 2, Math.Min(1e30, large / 3)]
        from others in (double[])[-large, large / 4, 1, -30]
        where value < large || others > -large // a difference beyond the type's range is infinite in softmax, as in libtorch
        select With(Samples.Constant(n, others / 2), [at], value));

    /// <summary>A gradient is rounded once, where it is stored, at every width.</summary>
    [Fact]
    public void Gradients_are_exact_where_float_has_only_subnormal_numbers_left()
    {
        double last = E.Arithmetic == FloatFormat.Double ? 700 : 103;
        foreach (int n in (int[])[2, 5, 37, 113])
        {
            foreach (double gap in (double[])[17, 30, 60, 87, 88.5, 95, 100, last])
            {
                double[] x = [.. Samples.Constant(n, 0).Select((_, i) => i == n / 2 ? gap : -i % 3)];
                S[] stored = Elements.From<S, E>([.. x, .. x]);
                AssertAll(new(CrossEntropyLink.Softmax, 2, n, Elements.ToDoubles<S, E>(stored)) { Classes = [n / 2, 0], Dy = [1] });
            }
        }
    }

    [Fact]
    public void No_rows_and_rows_of_no_class_write_no_gradient()
    {
        foreach (CrossEntropyLink link in s_links)
        {
            AssertAll(new(link, 0, 5, []) { Classes = [], Dy = [1] });
            AssertAll(new(link, 3, 0, []) { Classes = [-100, -100, -100], Dy = [1, 2, 3] });
            AssertAll(new(link, 3, 0, []) { Probabilities = [], Dy = [1] });
        }
    }

    /// <summary>Losses and gradients at each width; in place, elsewhere in memory and on two threads the same bits.</summary>
    private void AssertAll(CrossEntropyProblem problem, [CallerMemberName] string test = "")
    {
        Expected[] losses = CrossEntropyReference.Losses(problem), gradient = CrossEntropyReference.Gradient(problem, E.Arithmetic == FloatFormat.Double);
        foreach (int bits in Widths.Each(test))
        {
            string what = $"{problem} width {bits}";
            (double[] loss, double[] dx) = _kernels.Run(problem, s_placements[problem.Length % s_placements.Length]);
            Close.Assert($"loss of {what}", loss, losses, E.Arithmetic, E.Arithmetic, Units);
            Close.Assert($"gradient of {what}", dx, gradient, E.Stored, E.Arithmetic, Units);
            (double[] again, double[] inPlace) = _kernels.Run(problem, s_placements[(problem.Length + 1) % s_placements.Length], inPlace: true, threads: 2);
            Bits.AssertSame<double>($"loss of {what}, on two threads", loss, again);
            Bits.AssertSame<double>($"gradient of {what}, on two threads and in place", dx, inPlace);
        }
    }

    private void AssertEdges(Func<int, IEnumerable<double[]>> rows, [CallerMemberName] string test = "")
    {
        foreach (int n in (int[])[2, 3, 9, 17, 40, 65])
        {
            double[][] all = [.. rows(n)];
            S[] stored = Elements.From<S, E>([.. all.SelectMany(row => row)]);
            foreach (CrossEntropyLink link in s_links)
            {
                for (int kind = 0; kind < 4; kind++)
                {
                    AssertAll(WithTargets(new(link, all.Length, n, Elements.ToDoubles<S, E>(stored)), n, kind), test);
                }
            }
        }
    }

    private static CrossEntropyProblem Problem(CrossEntropyLink link, int seed, int rows, int n, double sigma, int kind) =>
        WithTargets(new(link, rows, n, Stored(Samples.Normal(seed, rows * n, sigma))), seed, kind);

    /// <summary>0: class numbers; 1: with weights and ignored rows; 2: with smoothing too; 3: probabilities with weights and smoothing, of which some count exactly 0.</summary>
    private static CrossEntropyProblem WithTargets(CrossEntropyProblem problem, int seed, int kind)
    {
        var random = new Random(seed);
        int rows = problem.Rows, n = problem.Length;
        double[]? weight = kind == 0 ? null : Stored(Samples.Uniform(seed + 1, n, 0.2, 3));
        double[] dy = Stored(kind == 2 ? [0.7] : Samples.Normal(seed + 2, rows));
        if (kind == 3)
        {
            double[] t = Stored(Samples.Uniform(seed + 3, rows * n, -0.5, 1));
            for (int i = 0; i < t.Length; i++)
            {
                t[i] = Math.Max(0, t[i]);
            }

            return problem with { Probabilities = t, Weight = weight, Smoothing = seed % 2 * 0.1, Dy = dy, Divisor = 3 };
        }

        long[] classes = [.. Enumerable.Range(0, rows).Select(r => n == 0 || (kind > 0 && r % 5 == 3) ? -100 : random.NextInt64(n))];
        return problem with { Classes = classes, Weight = weight, Smoothing = kind == 2 ? 0.1 : 0, Dy = dy, Divisor = kind == 1 ? 7 : 1 };
    }

    private static double[] Stored(double[] x) => Elements.ToDoubles<S, E>(Elements.From<S, E>(x));
}

public sealed class FloatCrossEntropyKernelTests : CrossEntropyKernelTests<float, FloatElement>;

public sealed class DoubleCrossEntropyKernelTests : CrossEntropyKernelTests<double, DoubleElement>;

public sealed class BFloat16CrossEntropyKernelTests : CrossEntropyKernelTests<BFloat16, BFloat16Element>;

public sealed class HalfCrossEntropyKernelTests : CrossEntropyKernelTests<Half, HalfElement>;
