using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>e^x as a pair (m, n) with e^x = m * 2^n, m in [0.7, 1.42] and n an integer: it neither overflows nor underflows.</summary>
/// <remarks>
/// Types: float and double (error of m: 1 eps). Domain: |x| up to <see cref="ExtExp.Limit"/>; beyond it, x - n ln 2 loses its bound.
/// The idea of the extended exponent is "The Two-Pass Softmax Algorithm"; the polynomials are our own minimax fits of e^t on |t| &lt;= ln(2) / 2.
/// A pass makes one at its start: the constants then stay in registers, where literals would be read from memory for every vector.
/// </remarks>
internal readonly unsafe struct ExtExp<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    private readonly V _perLn2, _ln2, _ln2Rest, _one, _c2, _c3, _c4, _c5, _c6, _c7, _c8, _c9, _c10, _c11, _floor;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ExtExp()
    {
        T* at = ExtExp.Constants<T>.At;
        _perLn2 = V.Broadcast(at[0]);
        _ln2 = V.Broadcast(at[1]);
        _ln2Rest = V.Broadcast(at[2]);
        _floor = V.Broadcast(at[3]);
        _one = V.Broadcast(at[4]);
        _c2 = V.Broadcast(at[5]);
        _c3 = V.Broadcast(at[6]);
        _c4 = V.Broadcast(at[7]);
        _c5 = V.Broadcast(at[8]);
        _c6 = V.Broadcast(at[9]);
        if (typeof(T) == typeof(float)) return;
        _c7 = V.Broadcast(at[10]);
        _c8 = V.Broadcast(at[11]);
        _c9 = V.Broadcast(at[12]);
        _c10 = V.Broadcast(at[13]);
        _c11 = V.Broadcast(at[14]);
    }

    /// <summary>Where x may be cut off below without being seen beside any maximum that is at least -<see cref="ExtExp.Limit"/>.</summary>
    internal V Floor
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _floor;
    }

    /// <summary>The exponent n that belongs to x; never decreasing in x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Exponent(V x) => V.Round(x * _perLn2);

    /// <summary>The fraction m that belongs to x and its exponent n.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Fraction(V x, V n)
    {
        V t = V.Fma(n, _ln2Rest, V.Fma(n, _ln2, x)); // - n ln 2 in two parts: the first product cancels exactly
        V p;
        if (typeof(T) == typeof(float))
        {
            p = V.Fma(_c6, t, _c5);
        }
        else
        {
            p = V.Fma(V.Fma(V.Fma(_c11, t, _c10), t, _c9), t, _c8);
            p = V.Fma(V.Fma(V.Fma(p, t, _c7), t, _c6), t, _c5);
        }
        p = V.Fma(V.Fma(V.Fma(p, t, _c4), t, _c3), t, _c2);
        return V.Fma(V.Fma(p, t, _one), t, _one);
    }

    /// <summary>e^x - 1 without cancellation, for x from -80 to 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V LessOne(V x)
    {
        V n = Exponent(x), t = V.Fma(n, _ln2Rest, V.Fma(n, _ln2, x)), power = V.Scale(_one, n), p;
        if (typeof(T) == typeof(float))
        {
            p = V.Fma(_c6, t, _c5);
        }
        else
        {
            p = V.Fma(V.Fma(V.Fma(_c11, t, _c10), t, _c9), t, _c8);
            p = V.Fma(V.Fma(V.Fma(p, t, _c7), t, _c6), t, _c5);
        }
        p = V.Fma(V.Fma(V.Fma(p, t, _c4), t, _c3), t, _c2);
        return V.Fma(power, V.Fma(p, t, _one) * t, power - _one);
    }

    /// <summary>e^x * 2^-exponent, where that does not overflow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Term(V x, V exponent)
    {
        V n = Exponent(x);
        return V.Scale(Fraction(x, n), n - exponent);
    }

    /// <summary>e^x * factor * 2^-exponent, rounded once if the factor lifts it above the subnormal numbers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Term(V x, V exponent, V factor)
    {
        V n = Exponent(x);
        return V.Scale(Fraction(x, n) * factor, n - exponent);
    }

    /// <summary>e^x as one number: 0 for -infinity, infinity beyond the type's range, gradual below its normal range, NaN for NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Exp(V x)
    {
        V zero = V.Broadcast(Const.Of<T>(0));
        x = V.AtLeast(x, V.Broadcast(Const.Of<T>(-110, -760)));
        x = zero - V.AtLeast(zero - x, V.Broadcast(Const.Of<T>(-89, -711)));
        V n = Exponent(x), half = V.Round(n * V.Broadcast(Const.Of<T>(0.5)));
        return V.Scale(V.Scale(Fraction(x, n), half), n - half); // in two steps: 2^n alone may lie outside the type
    }
}

/// <summary>The numbers behind <see cref="ExtExp{V, T}"/>.</summary>
internal static unsafe class ExtExp
{
    /// <summary>The largest |x| at which the pair is exact to the stated error.</summary>
    internal const double Limit = 1 << 16;

    private static readonly double[] _single =
    [
        1.4426950408889634, -0.693147182464599609375, 1.90465421e-9, -2 * Limit, // 1 / ln 2, ln 2 as the nearest float and the rest
        1, 0.5, 0.1666652113199234, 0.04166648909449577, 0.008369428105652332, 0.0013933555455878377,
    ];

    private static readonly double[] _twice =
    [
        1.4426950408889634, -0.6931471805599453, -2.3190468138462996e-17, -2 * Limit,
        1, 0.5000000000000011, 0.1666666666666641, 0.04166666666652919, 0.008333333333495624, 0.0013888888943922656,
        0.00019841269504765384, 2.480149276278181e-05, 2.7557587342164025e-06, 2.7630378625210986e-07, 2.4999965359640575e-08,
    ];

    /// <summary>The constants as T, in memory that never moves and that the JIT does not read ahead of time.</summary>
    internal static class Constants<T> where T : unmanaged
    {
        internal static readonly T* At = Lay();

        private static T* Lay()
        {
            double[] values = typeof(T) == typeof(float) ? _single : _twice;
            T* at = (T*)NativeMemory.AlignedAlloc((nuint)(values.Length * sizeof(T)), 64);
            for (int i = 0; i < values.Length; i++) at[i] = Const.Of<T>(values[i]);
            return at;
        }
    }
}
