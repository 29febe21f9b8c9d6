using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The walks over the rows of some tokens, with a feature in each lane.</summary>
/// <remarks>Rows lie as their experts have them: the next token's are asked for while a token is worked on.</remarks>
internal static unsafe class GateCombinePasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;
    private const nint VectorsPerFold = 32; // a plain sum of so many terms is still exact enough

    /// <summary>y[t] = sum over j of weights[t, j] * x[places[t, j]], or without W of x[places[t, j]].</summary>
    [MethodImpl(OnePass)]
    internal static void Sum<W>(S* x, nint n, long* places, T* weights, nint k, nint tokens, S* y) where W : struct, IChoice
    {
        nint w = V.Count;
        V zero = V.Broadcast(Const.Of<T>(0)), one = V.Broadcast(Const.Of<T>(1));
        for (nint t = 0; t < tokens; t++, places += k, y += n)
        {
            long* next = t + 1 < tokens ? places + k : places;
            nint i = 0;
            for (; i + 2 * w <= n; i += 2 * w)
            {
                V a = zero, b = zero;
                for (nint j = 0; j < k; j++)
                {
                    Cache.PrefetchHere(x + (nint)next[j] * n + i);
                    if (V.Count * sizeof(S) >= 64) Cache.PrefetchHere(x + (nint)next[j] * n + i + w);
                    if (places[j] < 0) continue;
                    S* row = x + (nint)places[j] * n + i;
                    V by = W.Yes ? V.Broadcast(weights[j]) : one;
                    a = V.Fma(M.Load<V>(row), by, a);
                    b = V.Fma(M.Load<V>(row + w), by, b);
                }
                M.Store(a, y + i);
                M.Store(b, y + i + w);
            }
            for (; i < n; i += w)
            {
                V a = zero;
                for (nint j = 0; j < k; j++)
                {
                    if (places[j] < 0) continue;
                    V by = W.Yes ? V.Broadcast(weights[j]) : one;
                    a = V.Fma(Edge<V, S, T, M>.Load(x + (nint)places[j] * n + i, n - i, 0), by, a);
                }
                Edge<V, S, T, M>.Store(a, y + i, n - i);
            }
            if (W.Yes) weights += k;
        }
    }

    /// <summary>dw[t, j] = the dot product of dy[t] and x[places[t, j]], or 0 where there is no such row.</summary>
    [MethodImpl(OnePass)]
    internal static void Dot(S* x, nint n, long* places, nint k, nint tokens, S* dy, T* dw)
    {
        nint w = V.Count;
        long* last = places + tokens * k - 1;
        V zero = V.Broadcast(Const.Of<T>(0));
        for (nint t = 0; t < tokens; t++, dy += n)
        {
            for (nint j = 0; j < k; j++, places++, dw++)
            {
                V total = zero, lost = zero;
                S* row = x + (nint)places[0] * n, next = places < last ? x + (nint)places[1] * n : row;
                for (nint i = 0; places[0] >= 0 && i < n;)
                {
                    V some = zero;
                    nint stop = i + VectorsPerFold * w < n ? i + VectorsPerFold * w : n;
                    for (; i < stop; i += w)
                    {
                        Cache.PrefetchHere(next + i);
                        some = V.Fma(Edge<V, S, T, M>.Load(row + i, n - i, 0), Edge<V, S, T, M>.Load(dy + i, n - i, 0), some);
                    }
                    Folded<V, T>.Add(ref total, ref lost, some);
                }
                *dw = V.Sum(total + lost);
            }
        }
    }

    /// <summary>dx[places[t, j]] = weights[t, j] * dy[t]; with B past the caches, where rows of dx begin and end with cache lines.</summary>
    [MethodImpl(OnePass)]
    internal static void Spread<B>(S* dx, nint n, long* places, T* weights, nint k, nint tokens, S* dy) where B : struct, IChoice
    {
        nint w = V.Count;
        for (nint t = 0; t < tokens; t++, dy += n)
        {
            for (nint j = 0; j < k; j++, places++, weights++)
            {
                if (places[0] < 0) continue;
                S* row = dx + (nint)places[0] * n;
                V by = V.Broadcast(*weights);
                for (nint i = 0; i < n; i += w)
                {
                    if (B.Yes) M.Stream(M.Load<V>(dy + i) * by, row + i);
                    else Edge<V, S, T, M>.Store(Edge<V, S, T, M>.Load(dy + i, n - i, 0) * by, row + i, n - i);
                }
            }
        }
        if (B.Yes) Cache.StreamFence();
    }
}
