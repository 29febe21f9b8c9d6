using System.Globalization;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The yardsticks: a wrong reference or a blind assertion would make every other test worthless.</summary>
public sealed class ReferenceTests
{
    /// <summary>e^x and log(x) of the decimal digits, to 35 places (bc -l).</summary>
    [Theory]
    [InlineData(1.0, "2.71828182845904523536028747135266250")]
    [InlineData(-0.5, "0.60653065971263342360379953499118045")]
    [InlineData(10.0, "22026.4657948067165169579006452842444")]
    [InlineData(0.3125, "1.36683794117379636283875677272120867")]
    public void Exp_is_exact_far_beyond_double(double x, string digits)
    {
        DoubleDouble exact = Parse(digits);
        DoubleDouble actual = DoubleDouble.Exp(x);
        Assert.InRange(Math.Abs((double)((actual - exact) / exact)), 0, 1e-24);
        Assert.InRange(Math.Abs((double)(DoubleDouble.Log(actual) - x)), 0, 1e-24 * (1 + Math.Abs(x)));
    }

    [Fact]
    public void Sums_and_quotients_keep_what_double_drops()
    {
        DoubleDouble sum = (DoubleDouble)1.0 + 1e-25;
        Assert.Equal(1e-25, (double)(sum - 1.0));
        DoubleDouble third = (DoubleDouble)1.0 / 3.0;
        Assert.InRange(Math.Abs((double)((third * 3.0) - 1.0)), 0, 1e-31);
    }

    [Fact]
    public void Softmax_of_logarithms_is_the_numbers_themselves()
    {
        double[] x = [Math.Log(1), Math.Log(2), Math.Log(5)];
        Expected[] y = SoftmaxReference.Softmax(x, new Shape(1, 3, 1));
        Assert.Equal([0.125, 0.25, 0.625], y.Select(e => Math.Round((double)e.Value, 15)));
        Assert.Equal(1, (double)(y[0].Value + y[1].Value + y[2].Value), 1e-30);
        Expected[] log = SoftmaxReference.LogSoftmax(x, new Shape(1, 3, 1));
        Assert.Equal(Math.Log(0.625), (double)log[2].Value, 1e-15);
        Assert.Equal(Math.Log(8), (double)SoftmaxReference.LogSumExp(x, new Shape(1, 3, 1))[0].Value, 1e-15);
    }

    [Fact]
    public void Rows_of_the_middle_dimension_are_the_strided_ones()
    {
        Shape shape = new(2, 3, 4);
        Assert.Equal(8, shape.Lines.Count());
        Assert.Equal([13, 17, 21], shape.Lines.ElementAt(5));
    }

    [Theory]
    [InlineData(1.0f, 0)]
    [InlineData(1.0000001f, 1)]
    [InlineData(0.9999999f, 2)]
    public void Close_counts_in_units_of_the_element(float actual, double units)
    {
        Expected[] exact = [new(1.0)];
        Assert.Equal(units, Math.Round(Close.Assert<float, FloatElement>("x", [actual], exact, 2) * (actual < 1 ? 2 : 1)));
    }

    [Theory]
    [InlineData(1.0f, double.NaN)]
    [InlineData(float.NaN, 1.0)]
    [InlineData(float.PositiveInfinity, 1.0)]
    [InlineData(float.PositiveInfinity, double.NegativeInfinity)]
    [InlineData(float.MaxValue, double.PositiveInfinity)]
    [InlineData(1.001f, 1.0)]
    public void Close_fails_and_names_the_worst_element(float actual, double exact)
    {
        Expected[] all = [new(2.0), new(exact), new(3.0)];
        var failure = Assert.Throws<Xunit.Sdk.FailException>(() => Close.Assert<float, FloatElement>("the row", [2f, actual, 3.0000002f], all, 4));
        Assert.Contains("the row (float): 1 of 3 elements are off. The worst is [1] = ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("units where 4 are allowed", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Close_grants_a_narrow_type_its_rounding_and_no_more()
    {
        double exact = 1 + (0.49 / 128);
        Close.Assert<BFloat16, BFloat16Element>("x", Elements.From<BFloat16, BFloat16Element>([exact]), [new Expected(exact)], 0.01);
        Assert.Throws<Xunit.Sdk.FailException>(() =>
            Close.Assert<BFloat16, BFloat16Element>("x", Elements.From<BFloat16, BFloat16Element>([1.0 + (1 / 128.0)]), [new Expected(exact)], 100));
    }

    [Fact]
    public void The_ledger_names_a_width_that_did_not_run_and_one_that_must_not()
    {
        (string, int)[] runs = [("A", 512), ("A", 0), ("B", 512), ("B", 256), ("B", 0)];
        Assert.Equal(["A did not run at 256"], WidthLedger.Shortfalls(runs, [512, 256, 0]));
        Assert.Equal(["A ran at 512, which is not to run here", "B ran at 512, which is not to run here"], WidthLedger.Shortfalls([.. runs, ("A", 256)], [256, 0]));
    }

    private static DoubleDouble Parse(string digits)
    {
        // Decimal holds 28 digits; two of them, the second scaled, hold them all.
        int split = Math.Min(digits.Length, 17);
        int after = split - 1 - digits.IndexOf('.', StringComparison.Ordinal);
        DoubleDouble head = double.Parse(digits[..split].Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        string rest = digits[split..];
        DoubleDouble tail = double.Parse(rest[..15], CultureInfo.InvariantCulture);
        DoubleDouble value = (head * 1e15) + tail;
        for (int k = 0; k < after + 15; k++)
        {
            value /= 10.0;
        }

        return value;
    }
}
