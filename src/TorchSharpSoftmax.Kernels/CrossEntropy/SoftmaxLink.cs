using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>e^x, in the frame of the row's maximum: terms are 2^<see cref="Frame.Bias"/> times too large, so that what is 2^-190 of the largest still counts.</summary>
internal readonly struct SoftmaxLink<V, T>(ExtExp<V, T> exp) : ILink<SoftmaxLink<V, T>, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ExtExp<V, T> _exp = exp;

    public static bool ByMax
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SoftmaxLink<V, T> New() => new(new());

    /// <summary>A is what is subtracted, B the exponent: <see cref="Frame"/>, in lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public LinkFrame<V> FrameOf(T top, T scale)
    {
        T shift = T.Abs(top) <= Const.Of<T>(ExtExp.Limit) ? Const.Of<T>(0) : top;
        return new(V.Broadcast(shift), _exp.Exponent(V.Broadcast(top - shift)) - V.Broadcast(Const.Of<T>(Frame.Bias)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Term(V x, in LinkFrame<V> frame) => _exp.Term(V.AtLeast(x - frame.A, _exp.Floor), frame.B);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Factor(T coefficient, T top, in LinkFrame<V> frame) =>
        V.Broadcast(coefficient) / _exp.Fraction(V.Broadcast(top) - frame.A, frame.B + V.Broadcast(Const.Of<T>(Frame.Bias)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Share(V x, in LinkFrame<V> frame, V factor) => _exp.Term(V.AtLeast(x - frame.A, _exp.Floor), frame.B, factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Slope(V x) => V.Broadcast(Const.Of<T>(1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Key(V x) => x;

    public static bool IsTop(T x, double top) => Const.ToDouble(x) >= top;

    public static double Gap(T x, double top) => top - Const.ToDouble(x);

    public static double SlopeOf(double x) => 1;

    public static double Relative(double x, double top) => Math.Exp(x - top);

    public static (double Coefficient, double Scale) Coefficient(double coefficient, double top) => (coefficient * Const.TwoToMinus64, 1);
}

/// <summary>max - x.</summary>
internal readonly struct SoftmaxGap<V, T> : IGap<SoftmaxGap<V, T>, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SoftmaxGap<V, T> New() => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Of(V x, V top, V logTop) => top - x;

    public static double LogTop(double top) => 0;
}
