using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>e^x as a pair (m, n) with e^x = m * 2^n, m in [0.7, 1.42] and n an integer: it neither overflows nor underflows.</summary>
/// <remarks>
/// Types: float (error of m: 1.6 eps) and double (1 eps). Domain: |x| up to <see cref="Limit"/>; beyond it, x - n ln 2 loses its bound.
/// The idea of the extended exponent is "The Two-Pass Softmax Algorithm"; the polynomials are our own minimax fits of e^t on |t| &lt;= ln(2) / 2.
/// </remarks>
internal static class ExtExp
{
    /// <summary>The largest |x| at which the pair is exact to the stated error.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Limit<T>() where T : unmanaged => Const.Of<T>(1 << 16);

    /// <summary>Where x may be cut off below without being seen beside any maximum that is at least -Limit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Floor<T>() where T : unmanaged => Const.Of<T>(-(1 << 17));

    /// <summary>The exponent n that belongs to x; never decreasing in x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Exponent<V, T>(V x) where V : unmanaged, ILanes<V, T> where T : unmanaged =>
        V.Round(x * V.Broadcast(Const.Of<T>(1.4426950408889634))); // 1 / ln 2

    /// <summary>The fraction m that belongs to x and its exponent n.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Fraction<V, T>(V x, V n) where V : unmanaged, ILanes<V, T> where T : unmanaged
    {
        V t = V.Fma(n, V.Broadcast(Const.Of<T>(-0.693147182464599609375f, -0.6931471805599453)), x); // ln 2 in two parts: the first product cancels exactly
        t = V.Fma(n, V.Broadcast(Const.Of<T>(1.90465421e-9f, -2.3190468138462996e-17)), t);
        V p;
        if (typeof(T) == typeof(float))
        {
            p = V.Broadcast(Const.Of<T>(0.008290340192615986));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(0.04189980775117874)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(0.16667646169662476)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(0.49999135732650757)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(0.9999997019767761)));
        }
        else
        {
            p = V.Broadcast(Const.Of<T>(2.4999965359640575e-08));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(2.7630378625210986e-07)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(2.7557587342164025e-06)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(2.480149276278181e-05)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(0.00019841269504765384)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(0.0013888888943922656)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(0.008333333333495624)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(0.04166666666652919)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(0.1666666666666641)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(0.5000000000000011)));
            p = V.Fma(p, t, V.Broadcast(Const.Of<T>(1)));
        }
        return V.Fma(p, t, V.Broadcast(Const.Of<T>(1)));
    }

    /// <summary>e^x * 2^-exponent, where that does not overflow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Term<V, T>(V x, V exponent) where V : unmanaged, ILanes<V, T> where T : unmanaged
    {
        V n = Exponent<V, T>(x);
        return V.Scale(Fraction<V, T>(x, n), n - exponent);
    }

    /// <summary>e^x as one number: 0 for -infinity, infinity beyond the type's range, gradual below its normal range, NaN for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Exp<V, T>(V x) where V : unmanaged, ILanes<V, T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        V least = V.Broadcast(Const.Of<T>(-110, -760)), minusMost = V.Broadcast(Const.Of<T>(-89, -711));
        V zero = V.Broadcast(Const.Of<T>(0));
        x = V.AtLeast(x, least);
        x = zero - V.AtLeast(zero - x, minusMost);
        V n = Exponent<V, T>(x), half = V.Round(n * V.Broadcast(Const.Of<T>(0.5)));
        return V.Scale(V.Scale(Fraction<V, T>(x, n), half), n - half); // in two steps: 2^n alone may lie outside the type
    }
}
