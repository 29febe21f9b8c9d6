namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>perpGrad's kernels at every width: exact results, orthogonal ones, and edges, on memory between forbidden pages.</summary>
public abstract unsafe class PerpGradKernelTests<S, E>
    where S : unmanaged
    where E : IElement<S>
{
    private const double DefaultEps = 1e-30;

    private static readonly (bool Rescale, double Eps, double Strength)[] s_options =
        [(true, DefaultEps, 1), (false, DefaultEps, 1), (true, DefaultEps, 0.5), (false, 3, 0.25), (true, 0, 1)];

    /// <summary>Float is computed in double.</summary>
    private static FloatFormat Arithmetic => typeof(S) == typeof(float) ? FloatFormat.Double : E.Arithmetic;

    private static double MaxFinite => E.Stored.MaxFinite;

    [Fact]
    public void Every_length_from_0_to_256_has_the_formulas_value()
    {
        using var memory = new Memory(256);
        foreach (int bits in Widths.Each())
        {
            for (int n = 0; n <= 256; n++)
            {
                (S[] w, S[] g) = Data(n, seed: n);
                (bool rescale, double eps, double strength) = s_options[n % s_options.Length];
                Expected[] exact = PerpGradReference.Project(Doubles(w), Doubles(g), rescale, eps, strength);
                foreach (Placement placement in (Placement[])[Placement.Ending, Placement.Beginning])
                {
                    S[] y = memory.Project(w, g, 1, new(rescale, eps, strength), placement);
                    if (n != 1 || strength < 1) // one element is parallel: 0, by a test of its own
                    {
                        Close.Assert($"{n} elements at {bits}", Doubles(y), exact, E.Stored, Arithmetic, 16);
                    }

                    Bits.AssertSame<S>($"{n} in place", y, memory.Project(w, g, 1, new(rescale, eps, strength), placement, inPlace: true));
                }
            }
        }
    }

    /// <summary>What a vector of many tensors takes: sums, the orthogonal part, then each tensor written.</summary>
    [Fact]
    public void Step_by_step_a_vector_has_its_formulas_value_at_every_length()
    {
        using var memory = new Memory(5000);
        foreach (int bits in Widths.Each())
        {
            foreach (int n in (int[])[1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 100, 255, 1025, 4999])
            {
                (S[] w, S[] g) = Data(n, seed: n);
                Expected[] exact = PerpGradReference.Project(Doubles(w), Doubles(g), true, 1e-30, 0.5);
                foreach (Placement placement in Enum.GetValues<Placement>())
                {
                    S[] y = memory.Steps(w, g, new(true, 1e-30, 0.5), placement, inPlace: false);
                    Close.Assert($"{n} elements at {bits}", Doubles(y), exact, E.Stored, Arithmetic, 16);
                    Bits.AssertSame<S>($"{n} in place", y, memory.Steps(w, g, new(true, 1e-30, 0.5), placement, inPlace: true));
                }
            }
        }
    }

    [Fact]
    public void Every_option_has_its_formulas_value_at_every_angle()
    {
        using var memory = new Memory(1000);
        foreach (int bits in Widths.Each())
        {
            foreach (double sine in (double[])[1, 0.6, 0.2, 0.05, 0.02])
            {
                (S[] w, S[] g) = Near(1000, sine, seed: 3);
                foreach ((bool rescale, double eps, double strength) in s_options)
                {
                    S[] y = memory.Project(w, g, 1, new(rescale, eps, strength));
                    Expected[] exact = PerpGradReference.Project(Doubles(w), Doubles(g), rescale, eps, strength);
                    Close.Assert($"sine {sine} {rescale} {eps} {strength} at {bits}", Doubles(y), exact, E.Stored, Arithmetic, 64);
                }
            }
        }
    }

    [Fact]
    public void What_is_left_is_orthogonal_to_the_weight_and_has_the_gradients_norm()
    {
        using var memory = new Memory(5000);
        double ulp = Math.ScaleB(1, 1 - E.Stored.Precision), smallest = Math.Max(1e-6, 16 * ulp);
        foreach (int bits in Widths.Each())
        {
            foreach (int n in (int[])[2, 3, 50, 5000])
            {
                for (double sine = 1; sine > smallest; sine /= 4)
                {
                    (S[] w, S[] g) = Near(n, sine, seed: n);
                    double[] y = Doubles(memory.Project(w, g, 1, new(true, DefaultEps, 1)));
                    double rounding = typeof(S) == typeof(float) ? 1e-7 : ulp / Math.Min(1, typeof(S) == typeof(double) ? sine / 4 : 1);
                    Assert.InRange(Math.Abs(PerpGradReference.Cosine(Doubles(w), y)), 0, rounding);
                    Assert.Equal(1, Math.Sqrt((double)PerpGradReference.Dot(y, y) / (double)PerpGradReference.Dot(Doubles(g), Doubles(g))), 8 * ulp);
                }
            }
        }
    }

    [Fact]
    public void A_gradient_parallel_to_its_weight_gives_0()
    {
        using var memory = new Memory(700);
        foreach (int bits in Widths.Each())
        {
            // of one element: rounding left the reference's code 0.123 or -5e8 where 0 is right
            foreach ((double w, double g) in ((double, double)[])[(1.7, 0.123), (0.7, 5e8), (-3e-3, 1e-6), (1, -1), (0.1, 0.3), (7.0 / 3, Math.PI)])
            {
                S[] y = memory.Project([E.FromDouble(w)], [E.FromDouble(Math.Min(g, MaxFinite / 2))], 1, new(true, DefaultEps, 1));
                Assert.Equal(0, E.ToDouble(y[0]));
            }

            foreach (int n in (int[])[2, 9, 700])
            {
                foreach (double times in (double[])[1, -0.37, 1.0 / 1024])
                {
                    double[] w = Samples.Normal(n, n);
                    S[] weight = Elements(w), grad = Elements([.. Doubles(weight).Select(x => times * x)]);
                    Assert.All(memory.Project(weight, grad, 1, new(true, DefaultEps, 1)), y => Assert.Equal(0, E.ToDouble(y)));
                    Assert.All(memory.Project(weight, grad, 1, new(false, DefaultEps, 1)), y => Assert.Equal(0, E.ToDouble(y)));
                }
            }
        }
    }

    [Fact]
    public void A_weight_of_zeros_or_no_strength_leaves_the_gradient_as_it_is()
    {
        using var memory = new Memory(100);
        foreach (int bits in Widths.Each())
        {
            foreach (int n in (int[])[1, 5, 100])
            {
                (S[] w, S[] g) = Data(n, seed: 5);
                foreach (bool inPlace in (bool[])[false, true])
                {
                    Bits.AssertSame<S>("zeros", g, memory.Project(new S[n], g, 1, new(true, DefaultEps, 1), inPlace: inPlace));
                    Bits.AssertSame<S>("zeros, eps 0", g, memory.Project(new S[n], g, 1, new(true, 0, 1), inPlace: inPlace));
                    Bits.AssertSame<S>("strength 0", g, memory.Project(w, g, 1, new(false, DefaultEps, 0), inPlace: inPlace));
                }
            }

            S[] zeros = memory.Project(Data(9, seed: 1).W, new S[9], 1, new(true, DefaultEps, 1));
            Assert.All(zeros, y => Assert.Equal(0, E.ToDouble(y)));
        }
    }

    [Fact]
    public void NaN_and_infinities_fill_their_row_with_NaN_and_no_other()
    {
        using var memory = new Memory(3 * 37);
        foreach (int bits in Widths.Each())
        {
            foreach (double bad in (double[])[double.NaN, double.PositiveInfinity, double.NegativeInfinity])
            {
                foreach (bool inWeight in (bool[])[false, true])
                {
                    for (int at = 37; at < 74; at += 9)
                    {
                        (S[] w, S[] g) = Data(3 * 37, seed: 8);
                        (inWeight ? w : g)[at] = E.FromDouble(bad);
                        double[] y = Doubles(memory.Project(w, g, 3, new(true, DefaultEps, 1)));
                        Assert.All(y[37..74], value => Assert.True(double.IsNaN(value), $"{bad} at {at} left {value}"));
                        Assert.DoesNotContain(double.NaN, y[..37]);
                        Assert.DoesNotContain(double.NaN, y[74..]);
                    }
                }
            }
        }
    }

    [Fact]
    public void Rows_are_those_of_separate_calls_on_any_number_of_threads()
    {
        using var memory = new Memory(40 * 1100);
        foreach (int bits in Widths.Each())
        {
            foreach ((int rows, int length) in ((int, int)[])[(7, 3), (5, 41), (40, 1100)])
            {
                (S[] w, S[] g) = Data(rows * length, seed: rows);
                S[] y = memory.Project(w, g, rows, new(true, DefaultEps, 1));
                for (int row = 0; row < rows; row++)
                {
                    var part = (row * length)..((row + 1) * length);
                    Bits.AssertSame<S>($"row {row}", memory.Project(w[part], g[part], 1, new(true, DefaultEps, 1)), y[part]);
                }

                Bits.AssertSame<S>("threads", y, memory.Project(w, g, rows, new(true, DefaultEps, 1), threads: 3));
            }
        }
    }

    [Fact]
    public void A_long_vector_has_the_same_bits_on_any_number_of_threads()
    {
        const int Length = (3 << 17) + 17;
        foreach (int bits in Widths.EachVector())
        {
            foreach (double sine in (double[])[0.8, 0.02])
            {
                (S[] w, S[] g) = Near(4099, sine, seed: 2);
                (w, g) = (Samples.Repeated(w, Length), Samples.Repeated(g, Length));
                S[] y = Span(w, g, 1);
                Assert.All((int[])[2, 5], threads => Bits.AssertSame<S>($"{threads} threads", y, Span(w, g, threads)));
                Assert.InRange(Math.Abs(PerpGradReference.Cosine(Doubles(w), Doubles(y))), 0, typeof(S) == typeof(double) ? Math.ScaleB(1, -51) / sine : Math.ScaleB(1, -E.Stored.Precision));
            }
        }
    }

    [Fact]
    public void A_result_written_past_the_caches_is_the_one_written_in_place()
    {
        using IDisposable streams = KernelTour.Streams();
        int length = (KernelTour.StreamedBytes / sizeof(S)) + 19;
        (S[] w, S[] g) = Data(4099, seed: 6);
        (w, g) = (Samples.Repeated(w, length), Samples.Repeated(g, length));
        foreach (int bits in Widths.EachVector())
        {
            var shifted = new S[length + 1]; // a start that is aligned to nothing
            var inPlace = (S[])g.Clone();
            PerpGradKernels.Project<S>(w, g, shifted.AsSpan(1), 1, length);
            PerpGradKernels.Project<S>(w, inPlace, inPlace, 1, length);
            Bits.AssertSame<S>("streamed", inPlace, shifted.AsSpan(1));
        }
    }

    /// <summary>Squares that leave float's range, as bfloat16's do, must not.</summary>
    [Fact]
    public void Scaling_the_gradient_or_the_weight_by_a_power_of_two_changes_no_bit()
    {
        // half's own range is small, and double's squares are documented to leave double's
        (int OfWeight, int OfGradient)[] exponents = typeof(S) == typeof(Half) ? [(3, 0), (5, 0)]
            : typeof(S) == typeof(double) ? [(-200, 0), (0, -300), (200, 300)]
            : [(-40, 0), (0, -70), (0, -90), (60, 60), (-35, -70), (100, 100)];
        using var memory = new Memory(300);
        foreach (int bits in Widths.Each())
        {
            (S[] w, S[] g) = Data(300, seed: 4);
            S[] y = memory.Project(w, g, 1, new(true, 0, 1));
            foreach ((int ofWeight, int ofGradient) in exponents)
            {
                S[] scaled = memory.Project(Scaled(w, ofWeight), Scaled(g, ofGradient), 1, new(true, 0, 1));
                Bits.AssertSame<S>($"2^{ofWeight} 2^{ofGradient} at {bits}", Scaled(y, ofGradient), scaled);
            }
        }
    }

    private static S[] Scaled(S[] x, int exponent) => Elements([.. Doubles(x).Select(value => Math.ScaleB(value, exponent))]);

    private static S[] Span(S[] w, S[] g, int threads)
    {
        var y = new S[g.Length];
        PerpGradKernels.Project<S>(w, g, y, 1, g.Length, threads: threads);
        return y;
    }

    private static double[] Doubles(S[] x) => Tests.Elements.ToDoubles<S, E>(x);

    private static S[] Elements(double[] x) => Tests.Elements.From<S, E>(x);

    /// <summary>Neither parallel nor orthogonal.</summary>
    private static (S[] W, S[] G) Data(int n, int seed)
    {
        double[] w = Samples.Normal(seed, n, mean: 0.2), g = Samples.Normal(seed + 1000, n, sigma: 0.1);
        return (Elements(w), Elements([.. g.Zip(w, (y, x) => y - (0.05 * x))]));
    }

    /// <summary>A gradient at about that angle to its weight.</summary>
    private static (S[] W, S[] G) Near(int n, double sine, int seed)
    {
        double[] w = Samples.Normal(seed, n), other = Samples.Normal(seed + 1, n);
        double along = (double)PerpGradReference.Dot(w, other) / (double)PerpGradReference.Dot(w, w);
        double[] across = [.. other.Zip(w, (o, x) => o - (along * x))];
        double ratio = Math.Sqrt((double)PerpGradReference.Dot(w, w) / (double)PerpGradReference.Dot(across, across));
        return (Elements(w), Elements([.. w.Zip(across, (x, o) => -0.3 * ((Math.Sqrt(1 - (sine * sine)) * x) + (sine * ratio * o)))]));
    }

    /// <summary>Calls the kernels on guarded memory only; inputs stay as they were, and nothing else is written.</summary>
    private sealed class Memory(int capacity) : IDisposable
    {
        private readonly GuardedMemory<S> _w = new(capacity), _g = new(capacity), _y = new(capacity);

        public void Dispose()
        {
            _w.Dispose();
            _g.Dispose();
            _y.Dispose();
        }

        internal S[] Project(
            S[] w, S[] g, int rows, PerpRule rule, Placement placement = Placement.Ending, bool inPlace = false, int threads = 1)
        {
            GuardedRow<S> weight = _w.Row(w, placement), grad = _g.Row(g, placement), y = inPlace ? grad : _y.Row(g.Length, placement);
            PerpGradKernels.Project(weight.Pointer, grad.Pointer, y.Pointer, rows, g.Length / rows, rule, threads);
            weight.AssertNothingElseWritten("the weight");
            grad.AssertNothingElseWritten("the gradient");
            y.AssertNothingElseWritten("the result");
            Bits.AssertSame<S>("the weight", w, weight.Span);
            if (!inPlace)
            {
                Bits.AssertSame<S>("the gradient", g, grad.Span);
            }

            return y.Span.ToArray();
        }

        internal S[] Steps(S[] w, S[] g, PerpRule rule, Placement placement, bool inPlace)
        {
            GuardedRow<S> weight = _w.Row(w, placement), grad = _g.Row(g, placement), y = inPlace ? grad : _y.Row(g.Length, placement);
            PerpSums sums = PerpGradKernels.Sums(weight.Pointer, grad.Pointer, g.Length, threads: 2);
            double orthogonal = PerpGradKernels.Orthogonal(weight.Pointer, grad.Pointer, g.Length, sums, threads: 2);
            PerpGradKernels.Write(weight.Pointer, grad.Pointer, y.Pointer, g.Length, rule.Factors(sums, orthogonal, PerpPrecision.Of<S>()), threads: 2);
            weight.AssertNothingElseWritten("the weight");
            grad.AssertNothingElseWritten("the gradient");
            y.AssertNothingElseWritten("the result");
            Bits.AssertSame<S>("the weight", w, weight.Span);
            return y.Span.ToArray();
        }
    }
}

public sealed class FloatPerpGradKernelTests : PerpGradKernelTests<float, FloatElement>;

public sealed class DoublePerpGradKernelTests : PerpGradKernelTests<double, DoubleElement>;

public sealed class BFloat16PerpGradKernelTests : PerpGradKernelTests<BFloat16, BFloat16Element>;

public sealed class HalfPerpGradKernelTests : PerpGradKernelTests<Half, HalfElement>;
