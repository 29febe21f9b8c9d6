using System.Globalization;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The accuracy that the library promises, on rows long enough for sums to drift.</summary>
public abstract partial class SoftmaxKernelTests<S, E>
{
    private const int Mi = 1 << 20;

    /// <summary>4 ulp on N(0, 1) up to 1 Mi elements (a narrow type's own half ulp beside it).</summary>
    [Theory]
    [InlineData(1000)]
    [InlineData(50257)]
    [InlineData(Mi)]
    public void Softmax_of_normal_numbers_is_within_4_ulp(int n) => AssertAccuracy("N(0, 1)", Normal(n, n), 4);

    /// <summary>Wide enough that a rounded x - max alone would cost 60 ulp and more.</summary>
    [Theory]
    [InlineData(10, 65549)]
    [InlineData(40, 3001)]
    public void Softmax_of_widely_spread_numbers_is_within_6_ulp(double sigma, int n) => AssertAccuracy($"N(0, {sigma})", Normal(n, n, sigma), 6);

    [Theory]
    [InlineData(100, 65549)]
    [InlineData(1000, 30001)]
    public void Softmax_of_evenly_spread_numbers_is_within_6_ulp(double range, int n) =>
        AssertAccuracy($"U(-{range}, {range})", Elements.From<S, E>(Samples.Uniform(n, n, -range, range)), 6);

    [Fact]
    public void A_log_sum_over_1_Mi_is_within_2_units()
    {
        S[] x = Normal(3, Mi, 2);
        Expected[] exact = SoftmaxReference.LogSumExp(Elements.ToDoubles<S, E>(x), new Shape(1, Mi, 1));
        using var kernels = new SoftmaxRunner<S, E>(Mi);
        foreach (int bits in Widths.Each())
        {
            double worst = AssertClose(
                Forward.LogSumExp, $"LogSumExp width {bits}", kernels.Run(Forward.LogSumExp, x, new Shape(1, Mi, 1), SoftmaxAlgorithm.Auto), exact, 2);
            Tell($"LogSumExp of 1 Mi, width {bits}: {worst:F2} units");
        }
    }

    [Theory]
    [InlineData(3.7)]
    [InlineData(-0.3)]
    public void A_constant_row_of_1_Mi_sums_to_one(double value) => AssertConstantRowSumsToOne(Mi, value);

    /// <summary>As long as 1/n is a number of the type: half ends at 16 Mi.</summary>
    [Fact(Explicit = true)]
    public void A_constant_row_of_64_Mi_sums_to_one() => AssertConstantRowSumsToOne((int)Math.Min(64 * Mi, 1 / E.Stored.MinSubnormal), 3.7);

    private static void AssertAccuracy(string data, S[] x, double ulp)
    {
        Shape shape = new(1, x.Length, 1);
        Expected[] exact = SoftmaxReference.Softmax(Elements.ToDoubles<S, E>(x), shape);
        using var kernels = new SoftmaxRunner<S, E>(x.Length);
        foreach (int bits in Widths.Each())
        {
            foreach (SoftmaxAlgorithm algorithm in s_algorithms)
            {
                string what = $"Softmax of {data}, n = {x.Length}, {algorithm}, width {bits}";
                double worst = AssertClose(Forward.Softmax, what, kernels.Run(Forward.Softmax, x, shape, algorithm), exact, ulp);
                Tell($"{what}: {worst:F2} ulp");
            }
        }
    }

    private void AssertConstantRowSumsToOne(int n, double value)
    {
        // n is a power of two: every stored type holds 1/n exactly.
        S[] x = Elements.From<S, E>(Samples.Constant(n, value));
        using var kernels = new SoftmaxRunner<S, E>(n);
        foreach (int bits in Widths.Each())
        {
            foreach (SoftmaxAlgorithm algorithm in s_algorithms)
            {
                double sum = kernels.Run(Forward.Softmax, x, new Shape(1, n, 1), algorithm).Sum();
                Tell($"{algorithm}, width {bits}: sum - 1 = {sum - 1:E2}");
                Assert.InRange(Math.Abs(sum - 1), 0, E.Arithmetic == FloatFormat.Double ? 1e-14 : 1e-6);
            }
        }
    }

    private static void Tell(FormattableString line) => TestContext.Current.TestOutputHelper!.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
