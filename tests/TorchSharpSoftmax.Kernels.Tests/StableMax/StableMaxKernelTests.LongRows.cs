using System.Globalization;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The accuracy that is promised, on rows long enough for sums to drift; and rows beyond every block and cache, whose split must not show in a single bit.</summary>
public abstract partial class StableMaxKernelTests<S, E>
{
    private const int Mi = 1 << 20;

    /// <summary>A period that no block size shares, so that the exact sum over millions of elements is a sum over this many.</summary>
    private const int Period = 4099;

    [Theory]
    [InlineData(1000, 1)]
    [InlineData(50257, 1)]
    [InlineData(30011, 1000)]
    [InlineData(Mi, 1)]
    public void StableMax_is_within_4_ulp_and_its_logarithm_within_4_eps_of_its_terms(int n, double sigma)
    {
        S[] x = Normal(n, n, sigma);
        double[] exactly = Elements.ToDoubles<S, E>(x);
        Shape shape = new(1, n, 1);
        Expected[] y = StableMaxReference.StableMax(exactly, shape);
        Expected[]? logs = n == Mi ? null : StableMaxReference.LogStableMax(exactly, shape); // a million logarithms in double-double take their time
        using var kernels = new StableMaxRunner<S, E>(n);
        foreach (int bits in Widths.Each())
        {
            double worst = Close.Assert($"StableMax of {n}, width {bits}", kernels.Forward(false, x, shape), y, E.Stored, E.Arithmetic, 4);
            double worstLog = logs is null ? 0 : Close.Assert($"log StableMax of {n}, width {bits}", kernels.Forward(true, x, shape), logs, E.Stored, E.Arithmetic, 4);
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(CultureInfo.InvariantCulture, $"n = {n}, width {bits}: {worst:F2} ulp, logarithm {worstLog:F2}"));
        }
    }

    /// <summary>Equal terms are rounded alike, so that a sum without compensation drifts by tens of units.</summary>
    [Theory]
    [InlineData(Mi, 1)]
    [InlineData(1 << 16, 3)]
    [InlineData(1 << 14, 64)]
    public void A_long_row_of_equal_numbers_shares_equally(int n, int inner)
    {
        Shape shape = new(1, n, inner);
        using var kernels = new StableMaxRunner<S, E>(shape.Count);
        foreach (int bits in Widths.Each())
        {
            foreach (double value in (double[])[3.7, -0.3, 1.1])
            {
                double[] y = kernels.Forward(false, Elements.From<S, E>(Samples.Constant(shape.Count, value)), shape);
                double worst = y.Max(p => Math.Abs((p * n) - 1)); // n is a power of two: every type holds 1 / n
                Xunit.Assert.True(worst <= 4 * E.Arithmetic.Ulp(1), $"{value}: off by {worst:E2} at width {bits}");
            }
        }
    }

    [Fact]
    public unsafe void A_row_past_the_caches_gives_the_reference_and_the_same_bits_on_any_number_of_threads()
    {
        using IDisposable streams = KernelTour.Streams();
        int n = (KernelTour.StreamedBytes / sizeof(S)) + 13;
        S[] period = Normal(n, Period, 2), gradients = Normal(n + 1, Period);
        S[] x = Samples.Repeated(period, n), dy = Samples.Repeated(gradients, n);
        Shape shape = new(1, n, 1);
        using var kernels = new StableMaxRunner<S, E>(n);
        foreach (bool log in (bool[])[false, true])
        {
            (Expected[] y, Expected[] dx) = Periodic(log, period, gradients, n);
            foreach (int bits in Widths.EachVector())
            {
                string what = $"{(log ? "log " : "")}StableMax {shape} width {bits}";
                double[] forward = kernels.Forward(log, x, shape), backward = kernels.Backward(log, x, dy, shape);
                Close.Assert(what, forward.AsSpan(0, Period), y, E.Stored, E.Arithmetic, Units);
                Close.Assert($"{what} backward", backward.AsSpan(0, Period), dx, E.Stored, E.Arithmetic, Units);
                for (int first = Period; first < n; first += Period)
                {
                    int count = Math.Min(Period, n - first);
                    Bits.AssertSame<double>($"{what} from {first}", forward.AsSpan(0, count), forward.AsSpan(first, count));
                    Bits.AssertSame<double>($"{what} backward from {first}", backward.AsSpan(0, count), backward.AsSpan(first, count));
                }

                Bits.AssertSame<double>($"{what} on 2 threads", forward, kernels.Forward(log, x, shape, Placement.OffByOne, threads: 2));
                Bits.AssertSame<double>($"{what} backward on 2 threads", backward, kernels.Backward(log, x, dy, shape, Over.Nothing, Placement.OffByOne, threads: 2));
            }
        }
    }

    [Theory]
    [InlineData(1, 300 * 1024 + 1, 1, 2)]
    [InlineData(2, 140 * 1024 + 3, 1, 1e30)] // a shared row whose sum must be taken again
    [InlineData(5, 20 * 1024 + 7, 1, 2)]
    [InlineData(301, 1001, 1, 2)]
    [InlineData(1, 5003, 61, 2)]
    [InlineData(3, 1001, 129, 1e30)]
    [InlineData(129, 3, 1009, 2)]
    public void A_large_tensor_gives_the_same_bits_on_any_number_of_threads(int outer, int length, int inner, double sigma)
    {
        Shape shape = new(outer, length, inner);
        sigma = Math.Min(sigma, Largest / 8);
        S[] x = Normal(length, shape.Count, sigma), dy = Normal(length + 1, shape.Count);
        using var kernels = new StableMaxRunner<S, E>(shape.Count);
        foreach (int bits in Widths.EachVector())
        {
            foreach (bool log in (bool[])[false, true])
            {
                double[] forward = kernels.Forward(log, x, shape), backward = kernels.Backward(log, x, dy, shape);
                AssertWhole(log ? [.. forward.Select(Math.Exp)] : forward, shape, bits);
                Bits.AssertSame<double>($"log {log} of {shape}, 3 threads, width {bits}", forward, kernels.Forward(log, x, shape, threads: 3));
                Bits.AssertSame<double>($"log {log} of {shape} backward, 3 threads, width {bits}", backward, kernels.Backward(log, x, dy, shape, threads: 3));
            }
        }
    }

    /// <summary>Every probability of a row is there: a sanity check against a whole block left out; accuracy is asserted elsewhere.</summary>
    private static void AssertWhole(double[] p, Shape shape, int bits)
    {
        foreach (Line line in shape.Lines)
        {
            double sum = line.Sum(i => p[i]);
            Xunit.Assert.True(Math.Abs(sum - 1) < 0.03, $"A row of {shape} sums to {sum}, width {bits}");
        }
    }

    /// <summary>One period of the exact results for a row of <paramref name="n"/> that repeats a period.</summary>
    private static (Expected[] Y, Expected[] Dx) Periodic(bool log, S[] period, S[] gradients, int n)
    {
        double[] x = Elements.ToDoubles<S, E>(period), dy = Elements.ToDoubles<S, E>(gradients);
        int[] times = [.. Enumerable.Range(0, Period).Select(i => (n / Period) + (i < n % Period ? 1 : 0))];
        DoubleDouble[] s = [.. x.Select(v => v >= 0 ? (DoubleDouble)v + 1 : (DoubleDouble)1 / ((DoubleDouble)1 - v))];
        DoubleDouble sum = 0, dot = 0;
        double size = 0;
        for (int i = 0; i < Period; i++)
        {
            DoubleDouble weight = log ? 1 : s[i];
            sum += s[i] * times[i];
            dot += weight * dy[i] * times[i];
            size += Math.Abs(weight.Hi * dy[i] * times[i]);
        }

        DoubleDouble logSum = DoubleDouble.Log(sum);
        return (
            [.. s.Select(v => log ? new Expected(DoubleDouble.Log(v) - logSum, 1 + Math.Abs(DoubleDouble.Log(v).Hi) + logSum.Hi) : new Expected(v / sum))],
            [.. s.Select((v, i) =>
            {
                DoubleDouble p = v / sum, slope = (DoubleDouble)1 / ((DoubleDouble)Math.Abs(x[i]) + 1);
                return log
                    ? new Expected(slope * (dy[i] - (p * dot)), slope.Hi * (Math.Abs(dy[i]) + (p.Hi * size)))
                    : new Expected(p * slope * (dy[i] - (dot / sum)), p.Hi * slope.Hi * (Math.Abs(dy[i]) + (size / sum.Hi)));
            })]);
    }
}
