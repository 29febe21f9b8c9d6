using System.Numerics;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The hyperbolic tangent of every lane against double-double, over all magnitudes.</summary>
public abstract class TanhTests<T, E>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where E : IElement<T>
{
    private const double Units = 4;

    [Fact]
    public void A_tangent_is_right_to_four_units_however_small() => LaneWidths.Run(new Range());

    [Fact]
    public void Special_numbers_have_their_tangents() => LaneWidths.Run(new Special());

    private static DoubleDouble Tanh(double x)
    {
        DoubleDouble e = DoubleDouble.Exp((DoubleDouble)(-2 * Math.Abs(x)));
        DoubleDouble tanh = ((DoubleDouble)1.0 - e) / ((DoubleDouble)1.0 + e);
        return x < 0 ? -tanh : tanh;
    }

    private sealed class Range : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            double[] exponents = Samples.Uniform(1, 4000, -30, 4.4);
            T[] x = Elements.From<T, E>([.. exponents.Select((e, i) => (i % 2 == 0 ? 1 : -1) * Math.Pow(2, e)), .. Samples.Uniform(2, 2000, -1.2, 1.2)]);
            double[] y = Elements.ToDoubles<T, E>(LaneWidths.Map<V, T>(x, v => new Tanh<V, T>().Of(v)));
            Expected[] exact = [.. x.Select(v => new Expected(Tanh(E.ToDouble(v))))];
            Close.Assert($"tanh at {V.Count} lanes", y, exact, E.Stored, E.Arithmetic, Units);
        }
    }

    private sealed class Special : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            T[] y = LaneWidths.Map<V, T>([T.Zero, T.PositiveInfinity, T.NegativeInfinity, T.NaN, T.CreateChecked(1e30)], v => new Tanh<V, T>().Of(v));
            Assert.Equal([T.Zero, T.One, -T.One, T.NaN, T.One], y);
        }
    }
}

public sealed class FloatTanhTests : TanhTests<float, FloatElement>;

public sealed class DoubleTanhTests : TanhTests<double, DoubleElement>;
