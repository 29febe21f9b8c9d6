using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Tokens into lanes: rows of logits become one vector for each expert, with a lane for each token.</summary>
internal static unsafe class GateColumns<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;

    /// <summary>So many experts at a time: their vectors stay in the first-level cache until every token has been put into them.</summary>
    private const nint Stretch = 128;

    /// <summary>columns[e] = the tokens' logits of expert e; lanes without a token hold 0. raw has room for as many elements as columns.</summary>
    [MethodImpl(OnePass)]
    internal static void Load(S* x, nint n, nint tokens, T* columns, S* raw)
    {
        S* to = typeof(S) == typeof(T) ? (S*)columns : raw;
        for (nint first = 0; first < n; first += Stretch)
        {
            nint end = first + Stretch < n ? first + Stretch : n, lane = 0;
            for (; sizeof(S) == 4 && lane + 2 <= tokens; lane += 2) Two(x + lane * n, n, first, end, to + lane);
            for (; lane < tokens; lane++) One(x + lane * n, n, first, end, to + lane);
            for (; lane < V.Count; lane++) None(first, end, to + lane);
        }
        if (typeof(S) == typeof(T)) return;
        for (nint i = 0; i < n * V.Count; i += V.Count) V.Store(M.Load<V>(raw + i), columns + i);
    }

    /// <summary>The rows of two tokens.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Two(S* x, nint n, nint first, nint end, S* to)
    {
        S* y = x + n;
        for (nint i = first; i < end; i += 64 / sizeof(S))
        {
            Cache.PrefetchNear(x + V.Count * n + i); // the tokens that come next
            Cache.PrefetchNear(y + V.Count * n + i);
        }
        RowPair<S>.Spread(x + first, y + first, end - first, to + first * V.Count, V.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void One(S* x, nint n, nint first, nint end, S* to)
    {
        nint w = V.Count, e = first;
        to += first * w;
        for (nint i = first; i < end; i += 64 / sizeof(S)) Cache.PrefetchNear(x + w * n + i);
        for (; e + 4 <= end; e += 4, to += 4 * w)
        {
            S a = x[e], b = x[e + 1], c = x[e + 2], d = x[e + 3];
            to[0] = a;
            to[w] = b;
            to[2 * w] = c;
            to[3 * w] = d;
        }
        for (; e < end; e++, to += w) *to = x[e];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void None(nint first, nint end, S* to)
    {
        nint w = V.Count;
        to += first * w;
        for (nint e = first; e < end; e++, to += w) *to = default;
    }
}
