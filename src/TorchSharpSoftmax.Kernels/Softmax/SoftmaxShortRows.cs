using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Many short rows in one call: constants stay in registers, and the processor works on the next row while it waits for the last one's sum.</summary>
/// <remarks>Rows whose maximum is infinite or beyond <see cref="ExtExp.Limit"/> are left to the general passes: the walk stops there and says where.</remarks>
internal static unsafe class SoftmaxShortRows<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;

    /// <summary>The longest row: 64 vectors, so that a plain sum of four lanes' chains is still exact enough.</summary>
    internal static nint Longest
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 64 * V.Count;
    }

    /// <summary>Softmax of rows from first on; the row that it could not do, or end. kept has room for a row in whole vectors.</summary>
    [MethodImpl(OnePass)]
    internal static nint Softmax(S* x, S* y, nint n, nint first, nint end, T* kept)
    {
        nint w = V.Count;
        var exp = new ExtExp<V, T>();
        V bias = V.Broadcast(Const.Of<T>(Frame.Bias));
        for (nint row = first; row < end; row++)
        {
            S* from = x + row * n, to = y + row * n;
            T max = Max(from, n);
            if (!(T.Abs(max) <= Const.Of<T>(ExtExp.Limit))) return row;
            V factor = V.Broadcast(T.One / Sum<Yes>(exp, from, kept, n, exp.Exponent(V.Broadcast(max)) - bias));
            nint i = 0;
            for (; i + w <= n; i += w) M.Store(V.Load(kept + i) * factor, to + i);
            if (i < n) M.StorePart(V.Load(kept + i) * factor, to + i, n - i);
        }
        return end;
    }

    /// <summary>Each row's maximum, and the sum of e^(x - max), in which the maximum's own term is exactly 1.</summary>
    [MethodImpl(OnePass)]
    internal static nint MaxAndSum(S* x, nint n, nint first, nint end, T* maxima, T* sums)
    {
        var exp = new ExtExp<V, T>();
        for (nint row = first; row < end; row++)
        {
            S* from = x + row * n;
            T max = Max(from, n);
            if (!(T.Abs(max) <= Const.Of<T>(ExtExp.Limit))) return row;
            V most = V.Broadcast(max), exponent = exp.Exponent(most);
            T sum = Sum<No>(exp, from, null, n, exponent);
            maxima[row - first] = max;
            sums[row - first] = sum / V.Max(exp.Fraction(most, exponent));
        }
        return end;
    }

    /// <summary>y = (x - max) - log, row by row.</summary>
    [MethodImpl(OnePass)]
    internal static void Subtract(S* x, S* y, nint n, nint first, nint end, T* maxima, T* logs)
    {
        nint w = V.Count;
        for (nint row = first; row < end; row++)
        {
            S* from = x + row * n, to = y + row * n;
            V max = V.Broadcast(maxima[row - first]), log = V.Broadcast(logs[row - first]);
            nint i = 0;
            for (; i + w <= n; i += w) M.Store(M.Load<V>(from + i) - max - log, to + i);
            if (i < n) M.StorePart(M.LoadPart<V>(from + i, n - i, T.Zero) - max - log, to + i, n - i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Max(S* x, nint n)
    {
        nint w = V.Count, i = 0;
        V a = V.Broadcast(T.NegativeInfinity), b = a;
        for (; i + 2 * w <= n; i += 2 * w)
        {
            a = V.AtLeast(a, M.Load<V>(x + i));
            b = V.AtLeast(b, M.Load<V>(x + i + w));
        }
        for (; i < n; i += w) a = V.AtLeast(a, Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity));
        return V.Max(V.AtLeast(a, b));
    }

    /// <summary>The last vector is kept whole: a later whole load of a partial store would stall.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Sum<K>(in ExtExp<V, T> exp, S* x, T* kept, nint n, V exponent) where K : struct, IChoice
    {
        nint w = V.Count, i = 0;
        V a = V.Broadcast(Const.Of<T>(0)), b = a, c = a, d = a;
        for (; sizeof(S) == sizeof(T) && i + 4 * w <= n; i += 4 * w) // conversions would be more than the JIT inlines
        {
            V y0 = exp.Term(V.AtLeast(M.Load<V>(x + i), exp.Floor), exponent), y1 = exp.Term(V.AtLeast(M.Load<V>(x + i + w), exp.Floor), exponent);
            V y2 = exp.Term(V.AtLeast(M.Load<V>(x + i + 2 * w), exp.Floor), exponent), y3 = exp.Term(V.AtLeast(M.Load<V>(x + i + 3 * w), exp.Floor), exponent);
            if (K.Yes)
            {
                V.Store(y0, kept + i);
                V.Store(y1, kept + i + w);
                V.Store(y2, kept + i + 2 * w);
                V.Store(y3, kept + i + 3 * w);
            }
            a += y0;
            b += y1;
            c += y2;
            d += y3;
        }
        for (; i < n; i += w)
        {
            V y = exp.Term(V.AtLeast(Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity), exp.Floor), exponent);
            if (K.Yes) V.Store(y, kept + i);
            a += y;
        }
        return V.Sum((a + b) + (c + d));
    }
}
