using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>What is known of the tokens in the lanes: a vector each.</summary>
internal readonly unsafe struct GateLanes<T>(T* at, nint w) where T : unmanaged
{
    internal const int Fields = 8;

    /// <summary>NaN where the token has a NaN, else 0.</summary>
    internal readonly T* Bad = at;

    /// <summary>The largest logit, its probability, and the logarithm of the sum of exponentials.</summary>
    internal readonly T* Top = at + w, Share = at + 2 * w, Lse = at + 3 * w;

    /// <summary>One over the sum of sigmoid scores.</summary>
    internal readonly T* Rate = at + 4 * w;

    /// <summary>1 in lanes with a token, 0 in the others.</summary>
    internal readonly T* Live = at + 5 * w;

    /// <summary>A value and a place that nobody reads.</summary>
    internal readonly T* Value = at + 6 * w, Place = at + 7 * w;
}

/// <summary>The walks over one vector per expert, with a token in each lane.</summary>
internal static unsafe class GatePasses<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;
    private const nint VectorsPerFold = 32; // a plain sum of so many terms is still exact enough

    /// <summary>Lse = sum(e^(x - Top)) and Share = 1 / Lse; with K, x becomes e^(x - Top).</summary>
    [MethodImpl(OnePass)]
    internal static void Exponentials<K>(T* x, nint n, GateLanes<T> lanes) where K : struct, IChoice
    {
        nint w = V.Count;
        var exp = new ExtExp<V, T>();
        V zero = V.Broadcast(Const.Of<T>(0)), top = V.Load(lanes.Top), total = zero, lost = zero;
        for (nint i = 0; i < n;)
        {
            V some = zero;
            nint stop = i + VectorsPerFold < n ? i + VectorsPerFold : n;
            for (; i < stop; i++, x += w)
            {
                V y = exp.Term(V.AtLeast(V.Load(x) - top, exp.Floor), zero);
                if (K.Yes) V.Store(y, x);
                some += y;
            }
            Folded<V, T>.Add(ref total, ref lost, some);
        }
        V sum = total + lost;
        V.Store(V.Broadcast(Const.Of<T>(1)) / sum, lanes.Share);
        V.Store(sum, lanes.Lse);
    }

    /// <summary>Lse, in which there is the sum of e^(x - Top), becomes Top + its logarithm: infinite where Top is, NaN where a logit is.</summary>
    [MethodImpl(OnePass)]
    internal static void Logarithms(GateLanes<T> lanes)
    {
        var log = new Logarithm<V, T>();
        V top = V.Load(lanes.Top), bad = V.Load(lanes.Bad), infinity = V.Broadcast(Const.Of<T>(double.PositiveInfinity));
        V lse = V.WhereLess(V.Abs(top), infinity, top + log.Log(V.Load(lanes.Lse)), top);
        V.Store(V.WhereNaN(bad, bad, lse), lanes.Lse);
    }

    /// <summary>The list's logits become weights: e^(v - Top) times Share, or over their own sum.</summary>
    [MethodImpl(OnePass)]
    internal static void Weigh<R>(T* values, nint k, GateLanes<T> lanes) where R : struct, IChoice
    {
        nint end = k * V.Count;
        var exp = new ExtExp<V, T>();
        V zero = V.Broadcast(Const.Of<T>(0)), top = V.Load(values), sum = zero, bad = V.Load(lanes.Bad);
        for (nint i = 0; i < end; i += V.Count)
        {
            V y = exp.Term(V.AtLeast(V.Load(values + i) - top, exp.Floor), zero);
            V.Store(y, values + i);
            sum += y;
        }
        V share = V.Load(lanes.Share);
        for (nint i = 0; i < end; i += V.Count)
        {
            V y = V.Load(values + i);
            V.Store(V.WhereNaN(bad, bad, R.Yes ? y / sum : y * share), values + i);
        }
    }

    /// <summary>sums += what each expert gets of the tokens: x times a factor of the token.</summary>
    [MethodImpl(OnePass)]
    internal static void Add(T* x, nint n, T* factor, T* live, T* sums)
    {
        V each = V.Load(factor) * V.Load(live);
        for (nint i = 0; i < n * V.Count; i += V.Count) V.Store(V.Fma(V.Load(x + i), each, V.Load(sums + i)), sums + i);
    }

    /// <summary>The sums over lanes go into totals, and are 0 again.</summary>
    [MethodImpl(OnePass)]
    internal static void Fold(T* sums, nint n, double* totals)
    {
        nint w = V.Count;
        V zero = V.Broadcast(Const.Of<T>(0));
        for (nint e = 0; e < n; e++, sums += w)
        {
            totals[e] += Const.ToDouble(V.Sum(V.Load(sums)));
            V.Store(zero, sums);
        }
    }

    /// <summary>The lists of the tokens, one after the other, and a count for each place in them.</summary>
    [MethodImpl(OnePass)]
    internal static void Scatter(T* values, T* places, nint k, nint tokens, T* weights, long* indices, long* counts)
    {
        nint w = V.Count;
        for (nint lane = 0; lane < tokens; lane++)
        {
            for (nint j = 0; j < k; j++)
            {
                nint place = Const.ToWhole(places[j * w + lane]);
                *weights++ = values[j * w + lane];
                *indices++ = place;
                counts[place]++;
            }
        }
    }
}
