using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The single walks over a weight and its gradient from which the projection is built.</summary>
internal static unsafe class PerpGradPasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;
    private const int VectorsPerFold = 64;

    /// <summary>w . g, |w|^2 and |g|^2; if B, of both times a factor each.</summary>
    [MethodImpl(OnePass)]
    internal static PerpSums Sums<B>(S* w, S* g, nint n, double ofWeight, double ofGradient) where B : struct, IChoice
    {
        nint k = V.Count;
        V zero = V.Broadcast(Const.Of<T>(0)), a = V.Broadcast(Const.Of<T>(ofWeight)), b = V.Broadcast(Const.Of<T>(ofGradient));
        V dot = zero, weight = zero, gradient = zero, dotLost = zero, weightLost = zero, gradientLost = zero;
        for (nint i = 0; i < n;)
        {
            V d0 = zero, d1 = zero, w0 = zero, w1 = zero, g0 = zero, g1 = zero;
            nint stop = i + VectorsPerFold * k <= n ? i + VectorsPerFold * k : n;
            for (; typeof(S) != typeof(Half) && i + 2 * k <= stop; i += 2 * k) // half: more than the JIT inlines
            {
                Cache.PrefetchTwo<V, S, T>(w + i);
                Cache.PrefetchTwo<V, S, T>(g + i);
                V x0 = M.Load<V>(w + i), x1 = M.Load<V>(w + i + k), y0 = M.Load<V>(g + i), y1 = M.Load<V>(g + i + k);
                if (B.Yes) (x0, x1, y0, y1) = (x0 * a, x1 * a, y0 * b, y1 * b);
                d0 = V.Fma(x0, y0, d0);
                d1 = V.Fma(x1, y1, d1);
                w0 = V.Fma(x0, x0, w0);
                w1 = V.Fma(x1, x1, w1);
                g0 = V.Fma(y0, y0, g0);
                g1 = V.Fma(y1, y1, g1);
            }
            for (; i < stop; i += k)
            {
                V x = Edge<V, S, T, M>.Load(w + i, n - i, 0), y = Edge<V, S, T, M>.Load(g + i, n - i, 0);
                if (B.Yes) (x, y) = (x * a, y * b);
                d0 = V.Fma(x, y, d0);
                w0 = V.Fma(x, x, w0);
                g0 = V.Fma(y, y, g0);
            }
            Folded<V, T>.Add(ref dot, ref dotLost, d0 + d1);
            Folded<V, T>.Add(ref weight, ref weightLost, w0 + w1);
            Folded<V, T>.Add(ref gradient, ref gradientLost, g0 + g1);
        }
        return new(
            Const.ToDouble(V.Sum(dot + dotLost)), Const.ToDouble(V.Sum(weight + weightLost)), Const.ToDouble(V.Sum(gradient + gradientLost)));
    }

    /// <summary>|scale * (g - removed * w)|^2.</summary>
    [MethodImpl(OnePass)]
    internal static double Square(S* w, S* g, nint n, double scale, double removed)
    {
        nint k = V.Count;
        V zero = V.Broadcast(Const.Of<T>(0)), a = V.Broadcast(Const.Of<T>(scale)), b = V.Broadcast(Const.Of<T>(-removed));
        V total = zero, lost = zero;
        for (nint i = 0; i < n;)
        {
            V s0 = zero, s1 = zero;
            nint stop = i + VectorsPerFold * k <= n ? i + VectorsPerFold * k : n;
            for (; typeof(S) != typeof(Half) && i + 2 * k <= stop; i += 2 * k) // half: more than the JIT inlines
            {
                V r0 = V.Fma(M.Load<V>(w + i), b, M.Load<V>(g + i)) * a, r1 = V.Fma(M.Load<V>(w + i + k), b, M.Load<V>(g + i + k)) * a;
                s0 = V.Fma(r0, r0, s0);
                s1 = V.Fma(r1, r1, s1);
            }
            for (; i < stop; i += k)
            {
                V r = V.Fma(Edge<V, S, T, M>.Load(w + i, n - i, 0), b, Edge<V, S, T, M>.Load(g + i, n - i, 0)) * a;
                s0 = V.Fma(r, r, s0);
            }
            Folded<V, T>.Add(ref total, ref lost, s0 + s1);
        }
        return Const.ToDouble(V.Sum(total + lost));
    }

    /// <summary>y = scale * (g - removed * w), in that order: near the weight the difference is small and must not be rounded twice. y may be g's own memory.</summary>
    [MethodImpl(OnePass)]
    internal static void Write<B>(S* w, S* g, S* y, nint n, double scale, double removed) where B : struct, IChoice
    {
        nint k = V.Count;
        V a = V.Broadcast(Const.Of<T>(scale)), b = V.Broadcast(Const.Of<T>(-removed));
        nint head = B.Yes ? Math.Min(n, Cache.Head(y, (int)k * sizeof(S))) : 0;
        for (nint i = 0; i < n;)
        {
            for (; typeof(S) != typeof(Half) && i >= head && i + 2 * k <= n; i += 2 * k) // half: more than the JIT inlines
            {
                Cache.PrefetchTwo<V, S, T>(w + i);
                Cache.PrefetchTwo<V, S, T>(g + i);
                V y0 = V.Fma(M.Load<V>(w + i), b, M.Load<V>(g + i)) * a, y1 = V.Fma(M.Load<V>(w + i + k), b, M.Load<V>(g + i + k)) * a;
                Edge<V, S, T, M>.Put<B>(y0, y + i);
                Edge<V, S, T, M>.Put<B>(y1, y + i + k);
            }
            if (i >= n) break;
            nint count = Math.Min(k, (i < head ? head : n) - i);
            Edge<V, S, T, M>.Store(V.Fma(Edge<V, S, T, M>.Load(w + i, count, 0), b, Edge<V, S, T, M>.Load(g + i, count, 0)) * a, y + i, count);
            i += count;
        }
        if (B.Yes) Cache.StreamFence();
    }
}
