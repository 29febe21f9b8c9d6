using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>How one element of a gradient comes from x, dy, what turns s(x) into a probability, and one number of its row.</summary>
internal interface IStableGradient<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    static abstract V Of(V x, V dy, V scale, V factor, V ofRow);
}

/// <summary>dx = p / (1 + |x|) * (dy - sum(p * dy)), where p / (1 + |x|) is s'(x) / sum, and s'(x) is 1 for x &gt;= 0 and s(x)^2 for x &lt; 0.</summary>
internal readonly struct OfStableMax<V, T> : IStableGradient<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of(V x, V dy, V scale, V factor, V dot)
    {
        V one = V.Broadcast(Const.Of<T>(1)), root = V.WhereLess(x, V.Broadcast(Const.Of<T>(0)), one / (one + V.Abs(x)), one); // of s'(x)
        return (dy - dot) * root * scale * factor * root; // in this order nothing underflows or overflows that the result does not
    }
}

/// <summary>dx = (dy - p * sum(dy)) / (1 + |x|).</summary>
internal readonly struct OfLogStableMax<V, T> : IStableGradient<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of(V x, V dy, V scale, V factor, V sum)
    {
        var s = new Stable<V, T>(x);
        return (dy - s.S * scale * factor * sum) * s.Slope;
    }
}

/// <summary>The single walks over one contiguous row from which the backward kernels are built.</summary>
internal static unsafe class StableMaxBackwardPasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;
    private const int VectorsPerFold = 64;

    /// <summary>sum(s(x) * scale), and sum(s(x) * scale * factor * dy), or for the logarithm sum(dy).</summary>
    [MethodImpl(OnePass)]
    internal static (double Sum, double Dot) Sums<L>(S* x, S* dy, nint n, StableWeights weights) where L : struct, IChoice
    {
        nint w = V.Count;
        V scale = V.Broadcast(Const.Of<T>(weights.Scale)), factor = V.Broadcast(Const.Of<T>(weights.Factor));
        V zero = V.Broadcast(Const.Of<T>(0)), total = zero, lost = zero, dot = zero, dotLost = zero;
        for (nint i = 0; i < n;)
        {
            V s0 = zero, s1 = zero, d0 = zero, d1 = zero;
            nint stop = i + VectorsPerFold * w <= n ? i + VectorsPerFold * w : n;
            for (; i + 2 * w <= stop; i += 2 * w)
            {
                Cache.PrefetchTwo<V, S, T>(x + i);
                Cache.PrefetchTwo<V, S, T>(dy + i);
                M.LoadPair(x + i, out V x0, out V x1);
                M.LoadPair(dy + i, out V dy0, out V dy1);
                x0 = Stable<V, T>.Scaled(x0, scale);
                x1 = Stable<V, T>.Scaled(x1, scale);
                s0 += x0;
                s1 += x1;
                d0 = L.Yes ? d0 + dy0 : V.Fma(x0 * factor, dy0, d0);
                d1 = L.Yes ? d1 + dy1 : V.Fma(x1 * factor, dy1, d1);
            }
            for (; i < stop; i += w)
            {
                V last = Stable<V, T>.Scaled(Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity), scale), d = Edge<V, S, T, M>.Load(dy + i, n - i, 0);
                s0 += last;
                d0 = L.Yes ? d0 + d : V.Fma(last * factor, d, d0);
            }
            Folded<V, T>.Add(ref total, ref lost, s0 + s1);
            Folded<V, T>.Add(ref dot, ref dotLost, d0 + d1);
        }
        return (Const.ToDouble(V.Sum(total + lost)), Const.ToDouble(V.Sum(dot + dotLost)));
    }

    /// <summary>dx = G(x, dy); dx may be x's or dy's own memory.</summary>
    [MethodImpl(OnePass)]
    internal static void Write<G, B>(S* x, S* dy, S* dx, nint n, StableGradient row)
        where G : struct, IStableGradient<V, T>
        where B : struct, IChoice
    {
        nint w = V.Count;
        V scale = V.Broadcast(Const.Of<T>(row.Weights.Scale)), factor = V.Broadcast(Const.Of<T>(row.Weights.Factor)), ofRow = V.Broadcast(Const.Of<T>(row.OfRow));
        nint head = B.Yes ? Math.Min(n, Cache.Head(dx, (int)w * sizeof(S))) : 0;
        for (nint i = 0; i < n;)
        {
            for (; typeof(S) != typeof(Half) && i >= head && i + 2 * w <= n; i += 2 * w) // half: more than the JIT inlines
            {
                Cache.PrefetchTwo<V, S, T>(x + i);
                Cache.PrefetchTwo<V, S, T>(dy + i);
                V d0 = G.Of(M.Load<V>(x + i), M.Load<V>(dy + i), scale, factor, ofRow), d1 = G.Of(M.Load<V>(x + i + w), M.Load<V>(dy + i + w), scale, factor, ofRow);
                Edge<V, S, T, M>.Put<B>(d0, dx + i);
                Edge<V, S, T, M>.Put<B>(d1, dx + i + w);
            }
            if (i >= n) break;
            nint count = Math.Min(w, (i < head ? head : n) - i);
            Edge<V, S, T, M>.Store(G.Of(Edge<V, S, T, M>.Load(x + i, count, 0), Edge<V, S, T, M>.Load(dy + i, count, 0), scale, factor, ofRow), dx + i, count);
            i += count;
        }
        if (B.Yes) Cache.StreamFence();
    }
}
