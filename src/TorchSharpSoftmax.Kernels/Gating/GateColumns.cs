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
        nint w = V.Count;
        S* to = typeof(S) == typeof(T) ? (S*)columns : raw;
        for (nint first = 0; first < n; first += Stretch)
        {
            nint end = first + Stretch < n ? first + Stretch : n;
            for (nint lane = 0; lane < w; lane++)
            {
                S* row = x + lane * n, at = to + lane + first * w;
                nint e = first;
                if (lane >= tokens)
                {
                    for (; e < end; e++, at += w) *at = default;
                    continue;
                }
                for (; e + 4 <= end; e += 4, at += 4 * w)
                {
                    S a = row[e], b = row[e + 1], c = row[e + 2], d = row[e + 3];
                    at[0] = a;
                    at[w] = b;
                    at[2 * w] = c;
                    at[3 * w] = d;
                }
                for (; e < end; e++, at += w) *at = row[e];
            }
        }
        if (typeof(S) == typeof(T)) return;
        for (nint i = 0; i < n * w; i += w) V.Store(M.Load<V>(raw + i), columns + i);
    }
}
