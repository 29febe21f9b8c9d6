using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The single walks over one contiguous row from which StableMax and its logarithm are built.</summary>
/// <remarks>One method each, not inlined, so that the JIT's inlining budget is its own. A row's end is padded with -infinity, whose s is 0.</remarks>
internal static unsafe class StableMaxPasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;
    private const int VectorsPerFold = 64;

    /// <summary>sum(s(x) * scale).</summary>
    [MethodImpl(OnePass)]
    internal static double Sum(S* x, nint n, double scale)
    {
        nint w = V.Count;
        V k = V.Broadcast(Const.Of<T>(scale)), zero = V.Broadcast(Const.Of<T>(0)), total = zero, lost = zero;
        for (nint i = 0; i < n;)
        {
            V s0 = zero, s1 = zero, s2 = zero, s3 = zero;
            nint stop = i + VectorsPerFold * w <= n ? i + VectorsPerFold * w : n;
            for (; i + 4 * w <= stop; i += 4 * w)
            {
                Cache.PrefetchFour<V, S, T>(x + i);
                M.LoadPair(x + i, out V x0, out V x1);
                M.LoadPair(x + i + 2 * w, out V x2, out V x3);
                s0 += Stable<V, T>.Scaled(x0, k);
                s1 += Stable<V, T>.Scaled(x1, k);
                s2 += Stable<V, T>.Scaled(x2, k);
                s3 += Stable<V, T>.Scaled(x3, k);
            }
            for (; i < stop; i += w) s0 += Stable<V, T>.Scaled(Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity), k);
            Folded<V, T>.Add(ref total, ref lost, (s0 + s1) + (s2 + s3));
        }
        return Const.ToDouble(V.Sum(total + lost));
    }

    /// <summary>y = s(x) * scale * factor; y may be x. Streamed, y bypasses the caches.</summary>
    [MethodImpl(OnePass)]
    internal static void Write<B>(S* x, S* y, nint n, StableWeights weights) where B : struct, IChoice
    {
        nint w = V.Count;
        V scale = V.Broadcast(Const.Of<T>(weights.Scale)), factor = V.Broadcast(Const.Of<T>(weights.Factor));
        nint head = B.Yes ? Math.Min(n, Cache.Head(y, sizeof(V))) : 0;
        for (nint i = 0; i < n;)
        {
            if (i >= head)
            {
                for (; sizeof(S) == sizeof(T) && i + 4 * w <= n; i += 4 * w)
                {
                    Cache.PrefetchFour<V, S, T>(x + i);
                    V y0 = Stable<V, T>.Scaled(M.Load<V>(x + i), scale) * factor, y1 = Stable<V, T>.Scaled(M.Load<V>(x + i + w), scale) * factor;
                    V y2 = Stable<V, T>.Scaled(M.Load<V>(x + i + 2 * w), scale) * factor, y3 = Stable<V, T>.Scaled(M.Load<V>(x + i + 3 * w), scale) * factor;
                    Edge<V, S, T, M>.Put<B>(y0, y + i);
                    Edge<V, S, T, M>.Put<B>(y1, y + i + w);
                    Edge<V, S, T, M>.Put<B>(y2, y + i + 2 * w);
                    Edge<V, S, T, M>.Put<B>(y3, y + i + 3 * w);
                }
                for (; sizeof(S) != sizeof(T) && sizeof(V) > sizeof(T) && double.IsFinite(weights.Factor) && i + 2 * w <= n; i += 2 * w) // no NaN
                {
                    Cache.PrefetchTwo<V, S, T>(x + i);
                    M.LoadPair(x + i, out V y0, out V y1);
                    M.PutPair<V, B>(Stable<V, T>.Scaled(y0, scale) * factor, Stable<V, T>.Scaled(y1, scale) * factor, y + i);
                }
                if (i >= n) break;
            }
            nint count = Math.Min(w, (i < head ? head : n) - i);
            Edge<V, S, T, M>.Store(Stable<V, T>.Scaled(Edge<V, S, T, M>.Load(x + i, count, 0), scale) * factor, y + i, count);
            i += count;
        }
        if (B.Yes) Cache.StreamFence();
    }

    /// <summary>y = log s(x) - logSum; y may be x.</summary>
    [MethodImpl(OnePass)]
    internal static void WriteLog<B>(S* x, S* y, nint n, double logSum) where B : struct, IChoice
    {
        nint w = V.Count;
        var log = new StableLog<V, T>(V.Broadcast(Const.Of<T>(logSum)));
        nint head = B.Yes ? Math.Min(n, Cache.Head(y, (int)w * sizeof(S))) : 0;
        for (nint i = 0; i < n;)
        {
            for (; typeof(S) != typeof(Half) && i >= head && i + 2 * w <= n; i += 2 * w) // half: more than the JIT inlines
            {
                Cache.PrefetchTwo<V, S, T>(x + i);
                V y0 = log.Of(M.Load<V>(x + i)), y1 = log.Of(M.Load<V>(x + i + w));
                Edge<V, S, T, M>.Put<B>(y0, y + i);
                Edge<V, S, T, M>.Put<B>(y1, y + i + w);
            }
            if (i >= n) break;
            nint count = Math.Min(w, (i < head ? head : n) - i);
            Edge<V, S, T, M>.Store(log.Of(Edge<V, S, T, M>.Load(x + i, count, 0)), y + i, count);
            i += count;
        }
        if (B.Yes) Cache.StreamFence();
    }
}
