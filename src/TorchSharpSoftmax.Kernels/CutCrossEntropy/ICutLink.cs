using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>A link in lanes for sums that grow part by part, each in a unit of its own, and element by element in double.</summary>
/// <remarks>The twins in <c>CrossEntropy/</c> say what a term is; a key is a number that grows with it, by which the largest is found.</remarks>
internal interface ICutLink<L, V, T>
    where L : struct, ICutLink<L, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    static abstract L New();

    V Key(V x);

    /// <summary>From the largest key: what <see cref="Term"/> takes so that no term is above 1.</summary>
    V Unit(V key);

    V Term(V x, V unit);

    V LogTerm(V x);

    /// <summary>The derivative of <see cref="LogTerm"/>.</summary>
    V Slope(V x);

    /// <summary>probability * factor, with the frame and the factor of <see cref="FrameOf"/>.</summary>
    V Share(V x, V frame, V factor);

    /// <summary>A term whose key is given, in units of the largest key's.</summary>
    static abstract double Relative(double key, double largest);

    /// <summary>The logarithm of a term whose key is given.</summary>
    static abstract double LogOfKey(double key);

    static abstract double KeyOf(double x);

    /// <summary>The key of a term with that logarithm.</summary>
    static abstract double KeyAt(double log);

    static abstract double SlopeOf(double x);

    /// <summary>Frame, and what the factor is multiplied by, for a row with that logarithm of its sum.</summary>
    static abstract (double Frame, double Factor) FrameOf(double logSum);
}

/// <summary>e^x.</summary>
internal readonly struct CutSoftmaxLink<V, T>(ExtExp<V, T> exp) : ICutLink<CutSoftmaxLink<V, T>, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ExtExp<V, T> _exp = exp;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CutSoftmaxLink<V, T> New() => new(new());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Key(V x) => x;

    /// <summary>Finite where all are masked: their terms are then 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Unit(V key) => V.AtLeast(key, V.Broadcast(Const.Of<T>(float.MinValue, double.MinValue)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Term(V x, V unit)
    {
        V t = V.AtLeast(x - unit, _exp.Floor), n = _exp.Exponent(t);
        return V.Scale(_exp.Fraction(t, n), n);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V LogTerm(V x) => x;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Slope(V x) => V.Broadcast(Const.Of<T>(1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Share(V x, V frame, V factor)
    {
        V t = V.AtLeast(x - frame, _exp.Floor), n = _exp.Exponent(t);
        return V.Scale(_exp.Fraction(t, n) * factor, n);
    }

    public static double Relative(double key, double largest) => Math.Exp(key - largest);

    public static double LogOfKey(double key) => key;

    public static double KeyOf(double x) => x;

    public static double KeyAt(double log) => log;

    public static double SlopeOf(double x) => 1;

    /// <summary>The frame is rounded to T, and the factor makes up for it.</summary>
    public static (double Frame, double Factor) FrameOf(double logSum)
    {
        double frame = Const.ToDouble(Const.Of<T>(logSum));
        return (frame, Math.Exp(frame - logSum));
    }
}

/// <summary>s(x) of "Grokking at the Edge of Numerical Stability".</summary>
internal readonly struct CutStableMaxLink<V, T>(Logarithm<V, T> logarithm) : ICutLink<CutStableMaxLink<V, T>, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Logarithm<V, T> _logarithm = logarithm;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static CutStableMaxLink<V, T> New() => new(new());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Key(V x) => new Stable<V, T>(x).S;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Unit(V key) => V.Broadcast(Const.Of<T>(1)) / V.AtLeast(key, V.Broadcast(Const.Of<T>(1.2e-38f, 2.3e-308)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Term(V x, V unit) => new Stable<V, T>(x).S * unit;

    /// <summary>-log(1 + |x|) or log(1 + |x|).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V LogTerm(V x)
    {
        V zero = V.Broadcast(Const.Of<T>(0)), log = _logarithm.Log(V.Broadcast(Const.Of<T>(1)) + V.Abs(x));
        return V.WhereLess(x, zero, zero - log, log);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Slope(V x) => new Stable<V, T>(x).Slope;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Share(V x, V frame, V factor) => new Stable<V, T>(x).S * frame * factor;

    public static double Relative(double key, double largest) => key / largest;

    public static double LogOfKey(double key) => Math.Log(key);

    public static double KeyAt(double log) => Math.Exp(log);

    public static double KeyOf(double x) => x >= 0 ? 1 + x : 1 / (1 - x);

    public static double SlopeOf(double x) => 1 / (1 + Math.Abs(x));

    public static (double Frame, double Factor) FrameOf(double logSum) => (Math.Exp(-logSum), 1);
}
