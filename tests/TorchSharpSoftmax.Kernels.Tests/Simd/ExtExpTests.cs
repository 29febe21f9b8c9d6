using System.Globalization;
using System.Numerics;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The extended exponential on its own, over its domain, in relative error.</summary>
public abstract class ExtExpTests<T, E>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where E : IElement<T>
{
    private const int Count = 20_000;

    /// <summary>In units of the type's epsilon; what the contract of ExtExp promises.</summary>
    private protected abstract double Units { get; }

    [Fact]
    public void The_pair_is_e_to_the_x_for_every_size_of_x()
    {
        double limit = ExtExp.Limit;
        foreach (double size in (double[])[1e-30, 1e-3, 0.3466, 1, 30, 90, 700, 1e4, limit])
        {
            LaneWidths.Run(new Pair(Samples.Uniform(1, Count, -size, size), Units));
        }

        // Where the exponent's rounding changes: the polynomial's argument is largest there.
        double step = Math.Log(2);
        LaneWidths.Run(new Pair([.. Enumerable.Range(-Count / 2, Count).Select(k => (k + 0.5) * step).Where(x => Math.Abs(x) <= limit)], Units));
        LaneWidths.Run(new Pair([0, -0.0, 1, -1, limit, -limit, E.Stored.MinSubnormal, -E.Stored.MinNormal], Units));
    }

    [Fact]
    public void The_exponent_never_decreases_and_the_fraction_stays_near_one()
    {
        double limit = ExtExp.Limit;
        double[] x = Samples.Uniform(2, Count, -limit, limit);
        Array.Sort(x);
        LaneWidths.Run(new Monotone(x));
    }

    [Fact]
    public void As_one_number_it_runs_from_zero_through_the_subnormal_numbers_to_infinity()
    {
        double low = Math.Log(E.Stored.MinSubnormal) - 3, high = Math.Log(E.Stored.MaxFinite) + 3;
        LaneWidths.Run(new Number(Samples.Uniform(3, Count, low, high), Units + 1));
        LaneWidths.Run(new Number(Samples.Uniform(4, Count, -1, 1), Units));
        LaneWidths.Run(new Number(
            [0, -0.0, double.NaN, double.NegativeInfinity, double.PositiveInfinity, -E.Stored.MaxFinite, E.Stored.MaxFinite, -1e30, 1e30, -1e9, E.Stored.MinSubnormal],
            Units));
    }

    private static V Fraction<V>(V x)
        where V : unmanaged, ILanes<V, T>
    {
        var exp = new ExtExp<V, T>();
        return exp.Fraction(x, exp.Exponent(x));
    }

    private sealed class Pair(double[] values, double units) : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            T[] x = Elements.From<T, E>(values);
            T[] n = LaneWidths.Map<V, T>(x, v => new ExtExp<V, T>().Exponent(v));
            T[] m = LaneWidths.Map<V, T>(x, Fraction<V>);
            double worst = 0, at = 0;
            for (int i = 0; i < x.Length; i++)
            {
                (DoubleDouble exact, int k) = DoubleDouble.ExpParts(E.ToDouble(x[i]));
                Assert.Equal(Math.Round(E.ToDouble(n[i])), E.ToDouble(n[i]));
                double error = exact.DistanceTo(Math.ScaleB(E.ToDouble(m[i]), (int)E.ToDouble(n[i]) - k)) / exact.Hi / E.Stored.Ulp(1);
                if (error > worst)
                {
                    (worst, at) = (error, E.ToDouble(x[i]));
                }
            }

            TestContext.Current.TestOutputHelper!.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"{V.Count} lanes, {values.Length} values to {values.Max():G3}: {worst:F3} eps at {at:R}"));
            Assert.True(worst <= units, $"e^{at:R} is off by {worst:F3} eps where {units} are allowed ({V.Count} lanes)");
        }
    }

    private sealed class Monotone(double[] sorted) : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            T[] x = Elements.From<T, E>(sorted);
            T[] n = LaneWidths.Map<V, T>(x, v => new ExtExp<V, T>().Exponent(v));
            T[] m = LaneWidths.Map<V, T>(x, Fraction<V>);
            for (int i = 0; i < x.Length; i++)
            {
                Assert.True(i == 0 || n[i] >= n[i - 1], $"the exponent falls at {x[i]} ({V.Count} lanes)");
                Assert.InRange(E.ToDouble(m[i]), 0.70, 1.43);
            }
        }
    }

    private sealed class Number(double[] values, double units) : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            T[] x = Elements.From<T, E>(values);
            var exact = new Expected[x.Length];
            for (int i = 0; i < x.Length; i++)
            {
                double d = E.ToDouble(x[i]);
                exact[i] = new Expected(Math.Abs(d) < 1e5 ? DoubleDouble.Exp(d) : Math.Exp(d));
            }

            Close.Assert<T, E>($"e^x, {V.Count} lanes", LaneWidths.Map<V, T>(x, v => new ExtExp<V, T>().Exp(v)), exact, 2 * units); // ulp, at worst half an eps each
        }
    }
}

public sealed class FloatExtExpTests : ExtExpTests<float, FloatElement>
{
    private protected override double Units => 1;
}

public sealed class DoubleExtExpTests : ExtExpTests<double, DoubleElement>
{
    private protected override double Units => 1;
}
