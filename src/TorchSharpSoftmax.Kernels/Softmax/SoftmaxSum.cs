using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The sum of a row's exponentials in a frame, and the row's maximum.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly record struct SoftmaxSum(double Sum, double Max, Frame Frame)
{
    /// <summary>Whether a running sum is right: false after NaN, infinities and |x| too large for exponentials without a shift.</summary>
    internal bool IsExact => Math.Abs(Max) <= ExtExp.Limit && double.IsFinite(Sum);

    /// <summary>What a kept exponential is multiplied with to become a probability.</summary>
    internal double Factor => 1 / (Sum * Const.TwoTo64);

    /// <summary>log(sum of e^(x - max)): exactly 0 where one element is all.</summary>
    internal double LogOverMax<T>() where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Frame.Shift != 0) return Math.Log(Sum);
        T ofMax = Lane1<T>.Max(new ExtExp<Lane1<T>, T>().Fraction(new(Const.Of<T>(Max)), new(Const.Of<T>(Frame.Exponent))));
        return Math.Log(Sum / Const.ToDouble(ofMax));
    }

    /// <summary>The sum over two parts of a row.</summary>
    internal static SoftmaxSum Merge(in SoftmaxSum a, in SoftmaxSum b)
    {
        if (!a.IsExact) return a;
        if (!b.IsExact) return b;
        var (high, low) = a.Max >= b.Max ? (a, b) : (b, a);
        return high with { Sum = high.Sum + Math.ScaleB(low.Sum, (int)(low.Frame.Exponent - high.Frame.Exponent)) };
    }
}
