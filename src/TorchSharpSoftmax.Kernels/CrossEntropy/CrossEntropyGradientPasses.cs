using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The walks that write the gradient of contiguous rows; it may be written over the logits.</summary>
internal static unsafe class CrossEntropyGradientPasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;

    /// <summary>dx = coefficient * p * slope: all of the gradient but the target's own element.</summary>
    [MethodImpl(OnePass)]
    internal static void Write<L, B>(S* x, S* dx, nint n, nint count, GradientRow<T>* rows)
        where L : struct, ILink<L, V, T>
        where B : struct, IChoice
    {
        nint w = V.Count;
        var link = L.New();
        for (nint row = 0; row < count; row++, x += n, dx += n)
        {
            if (rows[row].Skip) continue;
            var frame = link.FrameOf(rows[row].Top, rows[row].Scale);
            V factor = link.Factor(rows[row].Coefficient, rows[row].Top, frame);
            nint head = B.Yes ? Math.Min(n, Cache.Head(dx, (int)w * sizeof(S))) : 0;
            for (nint i = 0; i < n;)
            {
                for (; typeof(S) != typeof(Half) && i >= head && i + 2 * w <= n; i += 2 * w) // half: more than the JIT inlines
                {
                    Cache.PrefetchTwo<V, S, T>(x + i);
                    V d0 = link.Share(M.Load<V>(x + i), frame, factor), d1 = link.Share(M.Load<V>(x + i + w), frame, factor);
                    Edge<V, S, T, M>.Put<B>(d0, dx + i);
                    Edge<V, S, T, M>.Put<B>(d1, dx + i + w);
                }
                if (i >= n) break;
                nint some = Math.Min(w, (i < head ? head : n) - i);
                Edge<V, S, T, M>.Store(link.Share(Edge<V, S, T, M>.Load(x + i, some, double.NegativeInfinity), frame, factor), dx + i, some);
                i += some;
            }
        }
        if (B.Yes) Cache.StreamFence();
    }

    /// <summary>dx = (coefficient * p - upstream * q) * slope; at the largest element by what is left of 1 - p and of all q, so that nothing cancels.</summary>
    [MethodImpl(OnePass)]
    internal static void WriteDense<L, P>(
        S* x, S* t, S* dx, T* weight, nint weightMask, nint n, nint count, GradientRow<T>* rows, double ofTarget, double ofEach)
        where L : struct, ILink<L, V, T>
        where P : struct, IChoice
    {
        nint w = V.Count;
        var link = L.New();
        V own = V.Broadcast(Const.Of<T>(ofTarget)), each = V.Broadcast(Const.Of<T>(ofEach));
        for (nint row = 0; row < count; row++, x += n, t += n, dx += n)
        {
            if (rows[row].Skip) continue;
            var frame = link.FrameOf(rows[row].Top, rows[row].Scale);
            V factor = link.Factor(rows[row].Coefficient, rows[row].Top, frame), top = V.Broadcast(rows[row].Largest), upstream = V.Broadcast(rows[row].Upstream);
            V all = V.Broadcast(rows[row].Weight), rest = V.Broadcast(rows[row].WeightRest), fall = V.Broadcast(rows[row].Fall);
            for (nint i = 0; i < n; i += w)
            {
                V z = Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity), q = Edge<V, T, T, AsItself<T>>.Load(weight + (i & weightMask), n - i, 0);
                q *= P.Yes ? V.Fma(own, Edge<V, S, T, M>.Load(t + i, n - i, 0), each) : each;
                V slope = link.Slope(z);
                V below = link.Share(z, frame, factor) - upstream * q * slope;
                V largest = (upstream * ((all - q) + rest) - fall) * slope;
                Edge<V, S, T, M>.Store(V.WhereLess(link.Key(z), top, below, largest), dx + i, n - i);
            }
        }
    }
}
