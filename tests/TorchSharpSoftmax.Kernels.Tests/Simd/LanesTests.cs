using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The vocabulary of the kernels, lane by lane against plain arithmetic, special values included.</summary>
public abstract class LanesTests<T, E>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where E : IElement<T>
{
    /// <summary>Every pair of these meets, in every lane.</summary>
    private static readonly T[] s_values =
    [
        .. ((double[])[0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.5, 1e-3, 1e10, 7.3, -12.9, double.NaN, double.PositiveInfinity, double.NegativeInfinity])
            .Select(E.FromDouble),
        E.FromDouble(E.Stored.MaxFinite), E.FromDouble(-E.Stored.MaxFinite), E.FromDouble(E.Stored.MinSubnormal), E.FromDouble(-E.Stored.MinNormal),
    ];

    [Fact]
    public void Arithmetic_is_that_of_one_number() => LaneWidths.Run(new Arithmetic());

    [Fact]
    public void Parts_touch_only_their_elements() => LaneWidths.Run(new Parts());

    [Fact]
    public void Reductions_see_every_lane() => LaneWidths.Run(new Reductions());

    [Fact]
    public void Scaling_multiplies_by_a_power_of_two() => LaneWidths.Run(new Scaling());

    [Fact]
    public void Exponents_are_those_of_the_numbers() => LaneWidths.Run(new Exponents());

    private static bool Same(T a, T b) => E.ToDouble(a).Equals(E.ToDouble(b)) && (T.IsNaN(a) || T.IsNegative(a) == T.IsNegative(b));

    private sealed unsafe class Arithmetic : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            foreach (T b in s_values)
            {
                Check<V>($"x + {b}", x => x + V.Broadcast(b), x => x + b);
                Check<V>($"x - {b}", x => x - V.Broadcast(b), x => x - b);
                Check<V>($"x * {b}", x => x * V.Broadcast(b), x => x * b);
                Check<V>($"fma(x, x, {b})", x => V.Fma(x, x, V.Broadcast(b)), x => T.FusedMultiplyAdd(x, x, b));
                Check<V>($"x < {b}", x => V.WhereLess(x, V.Broadcast(b), V.Broadcast(T.One), V.Broadcast(-T.One)), x => x < b ? T.One : -T.One);
                if (!T.IsNaN(b))
                {
                    Check<V>($"x at least {b}", x => V.AtLeast(x, V.Broadcast(b)), x => x < b ? b : x, zerosAlike: true);
                    Check<V>($"x at most {b}", x => V.AtMost(x, V.Broadcast(b)), x => x > b ? b : x, zerosAlike: true);
                }
            }

            Check<V>("|x|", V.Abs, T.Abs);
            Check<V>("round(x)", V.Round, x => T.Round(x, MidpointRounding.ToEven), zerosAlike: true);
            Check<V>("NaN?", x => V.WhereNaN(x, V.Broadcast(T.One), V.Broadcast(-T.One)), x => T.IsNaN(x) ? T.One : -T.One);
        }

        private static void Check<V>(string what, Func<V, V> wide, Func<T, T> one, bool zerosAlike = false)
            where V : unmanaged, ILanes<V, T>
        {
            for (int shift = 0; shift < s_values.Length; shift++)
            {
                T[] x = [.. s_values[shift..], .. s_values[..shift]];
                T[] y = LaneWidths.Map(x, wide);
                for (int i = 0; i < x.Length; i++)
                {
                    T expected = one(x[i]);
                    Assert.True(Same(expected, y[i]) || (zerosAlike && expected == y[i]), $"{what} for {x[i]} is {y[i]}, not {expected} ({V.Count} lanes)");
                }
            }
        }
    }

    private sealed class Exponents : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            for (int n = E.Stored.MinExponent; n <= E.Stored.MaxExponent; n++)
            {
                T power = T.ScaleB(T.One, n);
                T[] exponents = LaneWidths.Map<V, T>([power, T.BitIncrement(power), power * E.FromDouble(1.5), T.BitDecrement(power + power)], V.ExponentOf);
                Assert.All(exponents[..^1], e => Assert.Equal(n, E.ToDouble(e)));
                Assert.Equal(n, n < E.Stored.MaxExponent ? E.ToDouble(exponents[^1]) : n);
            }
        }
    }

    private sealed unsafe class Parts : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            using GuardedMemory<T> from = new(V.Count), to = new(V.Count);
            T pad = E.FromDouble(-7);
            T* lanes = stackalloc T[V.Count];
            for (int n = 0; n <= V.Count; n++)
            {
                T[] x = [.. Enumerable.Range(1, n).Select(i => E.FromDouble(i))];
                foreach (Placement placement in (Placement[])[Placement.Ending, Placement.Beginning])
                {
                    GuardedRow<T> source = from.Row(x, placement), target = to.Row(n, placement);
                    V v = V.LoadPart(source.Pointer, n, pad);
                    V.Store(v, lanes);
                    for (int i = 0; i < V.Count; i++)
                    {
                        Assert.Equal(i < n ? x[i] : pad, lanes[i]);
                    }

                    V.StorePart(v, target.Pointer, n);
                    target.AssertNothingElseWritten($"part of {n}");
                    Assert.Equal(x, target.Span.ToArray());
                }
            }
        }
    }

    private sealed unsafe class Reductions : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            T* lanes = stackalloc T[V.Count];
            for (int at = 0; at < V.Count; at++)
            {
                for (int i = 0; i < V.Count; i++)
                {
                    lanes[i] = E.FromDouble(i == at ? 100 : -i);
                }

                V v = V.Load(lanes);
                Assert.Equal(100, E.ToDouble(V.Max(v)));
                Assert.Equal(100 + at - (V.Count * (V.Count - 1) / 2), E.ToDouble(V.Sum(v)));
                Assert.True(V.AnyLess(V.Broadcast(E.FromDouble(99)), v));
                Assert.False(V.AnyLess(V.Broadcast(E.FromDouble(100)), v));
                lanes[at] = T.NaN;
                Assert.False(V.AnyLess(V.Broadcast(E.FromDouble(99)), V.Load(lanes)), "a NaN is not more than anything");
                Assert.True(T.IsNaN(V.Sum(V.Load(lanes))), "a sum keeps a NaN");
            }
        }
    }

    private sealed class Scaling : ILaneTest<T>
    {
        public void Run<V>()
            where V : unmanaged, ILanes<V, T>
        {
            T[] m = [.. ((double[])[1, -1, 0.75, 1.4142, 0, -0.0, 2.5, double.NaN, double.PositiveInfinity]).Select(E.FromDouble)];
            for (int n = E.Stored.MinExponent; n <= E.Stored.MaxExponent; n++)
            {
                T[] scaled = LaneWidths.Map<V, T>(m, v => V.Scale(v, V.Broadcast(E.FromDouble(n))));
                for (int i = 0; i < m.Length; i++)
                {
                    Assert.True(Same(T.ScaleB(m[i], n), scaled[i]), $"{m[i]} * 2^{n} is {scaled[i]} ({V.Count} lanes)");
                }
            }

            // Far below the range 0 is right, and what a masked element's -infinity needs.
            foreach (double n in (double[])[-3000, -1e9, double.NegativeInfinity])
            {
                T[] scaled = LaneWidths.Map<V, T>([T.One, E.FromDouble(1.4)], v => V.Scale(v, V.Broadcast(E.FromDouble(n))));
                Assert.All(scaled, y => Assert.Equal(0, E.ToDouble(y)));
            }
        }
    }
}

public sealed class FloatLanesTests : LanesTests<float, FloatElement>;

public sealed class DoubleLanesTests : LanesTests<double, DoubleElement>;
