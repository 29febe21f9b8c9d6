using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>s(x) of "Grokking at the Edge of Numerical Stability"; A is a power of two by which terms are scaled.</summary>
internal readonly struct StableMaxLink<V, T> : ILink<StableMaxLink<V, T>, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static bool ByMax
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static StableMaxLink<V, T> New() => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public LinkFrame<V> FrameOf(T top, T scale)
    {
        V by = V.Broadcast(scale);
        return new(by, by);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Term(V x, in LinkFrame<V> frame) => new Stable<V, T>(x).S * frame.A;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Factor(T coefficient, T top, in LinkFrame<V> frame) => V.Broadcast(coefficient);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Share(V x, in LinkFrame<V> frame, V factor)
    {
        var s = new Stable<V, T>(x);
        return s.S * frame.A * s.Slope * factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Slope(V x) => new Stable<V, T>(x).Slope;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Key(V x) => new Stable<V, T>(x).S;

    /// <summary>In T, as the lanes have it: logits whose terms round to one number are equal here.</summary>
    public static bool IsTop(T x, double top) => Const.ToDouble(Lane1<T>.Max(new Stable<Lane1<T>, T>(new(x)).S)) >= top;

    public static double Gap(T x, double top)
    {
        if (IsTop(x, top)) return 0;
        double z = Const.ToDouble(x);
        return z >= 0 ? Math.Log(top / (1 + z)) : Math.Log(Math.Min(top, 1) * (1 - z)) + StableMaxGap<V, T>.LogTop(top); // no product beyond double's range
    }

    public static double SlopeOf(double x) => 1 / (1 + Math.Abs(x));

    public static double Relative(double x, double top) => x >= 0 ? (1 + x) / top : 1 / (1 - x) / top;

    /// <summary>The largest term becomes about 2^64, where the type has that power.</summary>
    public static (double Coefficient, double Scale) Coefficient(double coefficient, double top)
    {
        if (!(top > 0 && double.IsFinite(top))) return (double.NaN, 1);
        double scale = Math.ScaleB(1, Math.Min(64 - Math.ILogB(top), typeof(T) == typeof(double) ? 1000 : 120));
        return (coefficient / (top * scale), scale);
    }
}

/// <summary>log(top / s(x)), with one logarithm and without overflow: top / (1 + x) for x &gt;= 0, the rest beside log(top) for x &lt; 0.</summary>
internal readonly struct StableMaxGap<V, T>(Logarithm<V, T> logarithm) : IGap<StableMaxGap<V, T>, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    private readonly Logarithm<V, T> _logarithm = logarithm;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static StableMaxGap<V, T> New() => new(new());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Of(V x, V top, V logTop)
    {
        V zero = V.Broadcast(Const.Of<T>(0)), one = V.Broadcast(Const.Of<T>(1));
        var s = new Stable<V, T>(x);
        V log = _logarithm.Log(V.WhereLess(x, zero, V.AtMost(top, one) * (one + V.Abs(x)), top * s.Slope)) + V.WhereLess(x, zero, logTop, zero);
        return V.WhereLess(s.S, top, log, zero);
    }

    public static double LogTop(double top) => Math.Log(Math.Max(top, 1));
}
