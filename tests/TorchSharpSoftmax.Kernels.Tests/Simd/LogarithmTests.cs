using System.Numerics;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The logarithm of every lane against double-double, over its domain.</summary>
public abstract class LogarithmTests<T, E>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where E : IElement<T>
{
    private const double Units = 2;
    private const int LeastExponent = -100;

    [Fact]
    public void A_logarithm_is_right_to_two_units_everywhere() => LaneWidths.Run(new Range());

    [Fact]
    public void Special_numbers_have_their_logarithms() => LaneWidths.Run(new Special());

    private sealed class Range : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            double[] near = [.. Samples.Uniform(1, 4000, 0.69, 1.43)];
            double[] exponents = Samples.Uniform(2, 4000, LeastExponent, E.Stored.MaxExponent + 0.99);
            T[] x = Elements.From<T, E>([.. near, .. exponents.Select(e => Math.Pow(2, e)), 1, 2, 0.5, Math.Sqrt(2), Math.Sqrt(0.5), E.Stored.MaxFinite, Math.ScaleB(1, LeastExponent)]);
            double[] y = Elements.ToDoubles<T, E>(LaneWidths.Map<V, T>(x, v => new Logarithm<V, T>().Log(v)));
            Expected[] exact = [.. x.Select(v => new Expected(DoubleDouble.Log(E.ToDouble(v))))];
            Close.Assert($"log at {V.Count} lanes", y, exact, E.Stored, E.Arithmetic, Units);
        }
    }

    private sealed class Special : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            T[] y = LaneWidths.Map<V, T>([T.One, T.PositiveInfinity, T.NaN], v => new Logarithm<V, T>().Log(v));
            Assert.Equal(T.Zero, y[0]);
            Assert.Equal(T.PositiveInfinity, y[1]);
            Assert.True(T.IsNaN(y[2]));
        }
    }
}

public sealed class FloatLogarithmTests : LogarithmTests<float, FloatElement>;

public sealed class DoubleLogarithmTests : LogarithmTests<double, DoubleElement>;
