namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Rows and tensors beyond every block, cache and thread split; the split must not show in a single bit.</summary>
public abstract partial class SoftmaxKernelTests<S, E>
{
    /// <summary>A period that no block size shares, so that the exact sum over millions of elements is a sum over this many.</summary>
    private const int Period = 4099;

    [Theory]
    [InlineData(4095)]
    [InlineData(4097)]
    [InlineData((16 * 1024) + 5)]
    [InlineData((300 * 1024) + 1)]
    [InlineData(0)] // past the caches, whatever the element's size
    public unsafe void A_long_row_gives_the_reference_and_the_same_bits_on_any_number_of_threads(int n)
    {
        using IDisposable? streams = typeof(S) == typeof(float) ? null : KernelTour.Streams(); // floats go past the caches where users' rows do
        n = n == 0 ? ((streams is null ? (int)Cache.StreamFromBytes : KernelTour.StreamedBytes) / sizeof(S)) + 13 : n;
        double[] period = Samples.Normal(n, Period, 2);
        S[] x = Samples.Repeated(Elements.From<S, E>(period), n);
        Expected[] exact = PeriodicSoftmax(Elements.ToDoubles<S, E>(x.AsSpan(0, Math.Min(n, Period))), n);
        Shape shape = new(1, n, 1);
        using var kernels = new SoftmaxRunner<S, E>(n);
        foreach (int bits in n > Mi ? Widths.EachVector() : Widths.Each())
        {
            foreach (SoftmaxAlgorithm algorithm in s_algorithms)
            {
                string what = $"Softmax {shape} {algorithm} width {bits}";
                double[] y = kernels.Run(Forward.Softmax, x, shape, algorithm);
                for (int first = 0; first < n; first += Period)
                {
                    int count = Math.Min(Period, n - first);
                    AssertClose(Forward.Softmax, $"{what} from {first}", y.AsSpan(first, count), exact.AsSpan(0, count));
                }

                Bits.AssertSame<double>(
                    $"{what} on 2 threads", y, kernels.Run(Forward.Softmax, x, shape, algorithm, Placement.OffByOne, threads: 2));
                Bits.AssertSame<double>(
                    $"{what} in place on 3 threads", y, kernels.Run(Forward.Softmax, x, shape, algorithm, Placement.Beginning, inPlace: true, threads: 3));
            }
        }
    }

    [Theory]
    [InlineData(1, 300 * 1024 + 1, 1)]
    [InlineData(2, 70 * 1024 + 3, 1)]
    [InlineData(5, 20 * 1024 + 7, 1)]
    [InlineData(301, 1001, 1)]
    [InlineData(1, 5003, 61)]
    [InlineData(3, 1001, 129)]
    [InlineData(129, 3, 1009)]
    public void A_large_tensor_gives_the_same_bits_on_any_number_of_threads(int outer, int length, int inner)
    {
        Shape shape = new(outer, length, inner);
        S[] x = Normal(length, shape.Count, 2), dy = Normal(length + 1, shape.Count), rowDy = Normal(1, shape.Rows);
        using var kernels = new SoftmaxRunner<S, E>(shape.Count);
        foreach (int bits in Widths.EachVector())
        {
            double[][] results = [];
            foreach (int threads in (int[])[1, 3])
            {
                double[] y = kernels.Run(Forward.Softmax, x, shape, SoftmaxAlgorithm.Auto, threads: threads);
                double[] log = kernels.Run(Forward.LogSoftmax, x, shape, SoftmaxAlgorithm.Auto, threads: threads);
                double[] lse = kernels.Run(Forward.LogSumExp, x, shape, SoftmaxAlgorithm.Auto, threads: threads);
                double[][] now =
                [
                    y, log, lse,
                    kernels.Run(Backward.Softmax, Elements.From<S, E>(y), lse, dy, shape, threads: threads),
                    kernels.Run(Backward.LogSoftmax, Elements.From<S, E>(log), lse, dy, shape, threads: threads),
                    kernels.Run(Backward.LogSumExp, x, lse, rowDy, shape, threads: threads),
                ];
                if (threads == 1)
                {
                    results = now;
                    AssertSumsToOne(y, shape, bits);
                }

                for (int k = 0; k < now.Length; k++)
                {
                    Bits.AssertSame<double>($"result {k} of {shape}, {threads} threads, width {bits}", results[k], now[k]);
                }
            }
        }
    }

    private static void AssertSumsToOne(double[] y, Shape shape, int bits)
    {
        foreach (Line line in shape.Lines)
        {
            double sum = 0;
            foreach (int i in line)
            {
                sum += y[i];
            }

            // A sanity check against a whole block left out; accuracy is asserted elsewhere. A subnormal half has few bits.
            Assert.True(Math.Abs(sum - 1) < 0.02, $"A row of {shape} sums to {sum}, width {bits}");
        }
    }

    /// <summary>The exact softmax of a row of <paramref name="n"/> that repeats a period; one period of it.</summary>
    private static Expected[] PeriodicSoftmax(double[] period, int n)
    {
        double max = period.Max();
        DoubleDouble sum = 0;
        for (int i = 0; i < period.Length; i++)
        {
            int times = (n / Period) + (i < n % Period ? 1 : 0);
            sum += DoubleDouble.Exp((DoubleDouble)period[i] - max) * times;
        }

        return [.. period.Select(x => new Expected(DoubleDouble.Exp((DoubleDouble)x - max) / sum))];
    }
}
