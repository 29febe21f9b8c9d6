using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The single walks over one contiguous row from which the softmax family is built.</summary>
/// <remarks>
/// Each is one method that is not inlined, so that the JIT's inlining budget is its own: four vectors at a time, then one at a time, the last padded with
/// the reduction's identity. Sums are folded every 64 vectors into a compensated sum.
/// </remarks>
internal static unsafe class SoftmaxPasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;
    private const int VectorsPerFold = 64;

    private static V Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => V.Broadcast(Const.Of<T>(0));
    }

    /// <summary>The row's maximum; NaN may be lost.</summary>
    [MethodImpl(OnePass)]
    internal static T Max(S* x, nint n)
    {
        nint w = V.Count, i = 0;
        V a = V.Broadcast(T.NegativeInfinity), b = a, c = a, d = a;
        for (; i + 4 * w <= n; i += 4 * w)
        {
            Cache.PrefetchFour<V, S, T>(x + i);
            M.LoadPair(x + i, out V x0, out V x1);
            M.LoadPair(x + i + 2 * w, out V x2, out V x3);
            a = V.AtLeast(a, x0);
            b = V.AtLeast(b, x1);
            c = V.AtLeast(c, x2);
            d = V.AtLeast(d, x3);
        }
        for (; i < n; i += w) a = V.AtLeast(a, Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity));
        return V.Max(V.AtLeast(V.AtLeast(a, b), V.AtLeast(c, d)));
    }

    /// <summary>Two-Pass's first pass: every lane keeps a sum and the largest exponent seen, so that nothing overflows whatever comes.</summary>
    [MethodImpl(OnePass)]
    internal static SoftmaxSum RunningSum(S* x, nint n)
    {
        nint w = V.Count;
        var exp = new ExtExp<V, T>();
        V max = exp.Floor, exponent = exp.Exponent(max), sum = Zero;
        V total = Zero, lost = Zero, totalExponent = exponent;
        for (nint i = 0; i < n;)
        {
            nint stop = i + VectorsPerFold * w <= n ? i + VectorsPerFold * w : n;
            for (; (sizeof(S) == sizeof(T) || sizeof(V) > sizeof(T)) && i + 4 * w <= stop; i += 4 * w)
            {
                Cache.PrefetchFour<V, S, T>(x + i);
                M.LoadPair(x + i, out V x0, out V x1);
                M.LoadPair(x + i + 2 * w, out V x2, out V x3);
                x0 = V.AtLeast(x0, exp.Floor);
                x1 = V.AtLeast(x1, exp.Floor);
                x2 = V.AtLeast(x2, exp.Floor);
                x3 = V.AtLeast(x3, exp.Floor);
                max = V.AtLeast(V.AtLeast(V.AtLeast(x0, x1), V.AtLeast(x2, x3)), max);
                V grown = exp.Exponent(max);
                V four = (exp.Term(x0, grown) + exp.Term(x1, grown)) + (exp.Term(x2, grown) + exp.Term(x3, grown));
                sum = V.Scale(sum, exponent - grown) + four;
                exponent = grown;
            }
            for (; i < stop; i += w)
            {
                V x0 = V.AtLeast(Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity), exp.Floor);
                max = V.AtLeast(x0, max);
                V grown = exp.Exponent(max);
                sum = V.Scale(sum, exponent - grown) + exp.Term(x0, grown);
                exponent = grown;
            }
            V down = totalExponent - exponent;
            total = V.Scale(total, down);
            lost = V.Scale(lost, down);
            totalExponent = exponent;
            Folded<V, T>.Add(ref total, ref lost, sum);
            sum = Zero;
        }
        T most = V.Max(max);
        V all = exp.Exponent(V.Broadcast(most));
        T scaled = V.Sum(V.Scale(total + lost, exponent - all));
        return new(Const.ToDouble(scaled), Const.ToDouble(most), new(0, Const.ToDouble(V.Max(all))));
    }

    /// <summary>The sum in a frame that is known, and, where kept, each exponential times 2^<see cref="Frame.Bias"/>; kept may be x's own memory.</summary>
    [MethodImpl(OnePass)]
    internal static double SumIn<K>(S* x, T* kept, nint n, Frame frame) where K : struct, IChoice
    {
        nint w = V.Count;
        var exp = new ExtExp<V, T>();
        V shift = V.Broadcast(Const.Of<T>(frame.Shift)), exponent = V.Broadcast(Const.Of<T>(frame.Exponent - Frame.Bias));
        V total = Zero, lost = Zero;
        for (nint i = 0; i < n;)
        {
            V sum = Zero;
            nint stop = i + VectorsPerFold * w <= n ? i + VectorsPerFold * w : n;
            for (; i + 4 * w <= stop; i += 4 * w)
            {
                Cache.PrefetchFour<V, S, T>(x + i);
                V y0 = exp.Term(V.AtLeast(M.Load<V>(x + i) - shift, exp.Floor), exponent), y1 = exp.Term(V.AtLeast(M.Load<V>(x + i + w) - shift, exp.Floor), exponent);
                V y2 = exp.Term(V.AtLeast(M.Load<V>(x + i + 2 * w) - shift, exp.Floor), exponent), y3 = exp.Term(V.AtLeast(M.Load<V>(x + i + 3 * w) - shift, exp.Floor), exponent);
                if (K.Yes)
                {
                    V.Store(y0, kept + i);
                    V.Store(y1, kept + i + w);
                    V.Store(y2, kept + i + 2 * w);
                    V.Store(y3, kept + i + 3 * w);
                }
                sum += (y0 + y1) + (y2 + y3);
            }
            for (; i < stop; i += w)
            {
                V y = exp.Term(V.AtLeast(Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity) - shift, exp.Floor), exponent);
                if (K.Yes) V.StorePart(y, kept + i, Math.Min(w, n - i));
                sum += y;
            }
            Folded<V, T>.Add(ref total, ref lost, sum);
        }
        return Const.ToDouble(V.Sum(total + lost)) * Const.TwoToMinus64;
    }

    /// <summary>y = e^(x - shift) * 2^(<see cref="Frame.Bias"/> - exponent) * factor, the last pass where nothing was kept; y may be x. Streamed, y bypasses the caches.</summary>
    [MethodImpl(OnePass)]
    internal static void Normalize<B>(S* x, S* y, nint n, Frame frame, double factor) where B : struct, IChoice
    {
        nint w = V.Count;
        var exp = new ExtExp<V, T>();
        V shift = V.Broadcast(Const.Of<T>(frame.Shift)), exponent = V.Broadcast(Const.Of<T>(frame.Exponent - Frame.Bias)), scale = V.Broadcast(Const.Of<T>(factor));
        nint head = B.Yes ? Math.Min(n, Cache.Head(y, sizeof(V))) : 0;
        for (nint i = 0; i < n;)
        {
            if (i >= head)
            {
                for (; sizeof(S) == sizeof(T) && i + 4 * w <= n; i += 4 * w)
                {
                    Cache.PrefetchFour<V, S, T>(x + i);
                    V y0 = exp.Term(V.AtLeast(M.Load<V>(x + i) - shift, exp.Floor), exponent, scale), y1 = exp.Term(V.AtLeast(M.Load<V>(x + i + w) - shift, exp.Floor), exponent, scale);
                    V y2 = exp.Term(V.AtLeast(M.Load<V>(x + i + 2 * w) - shift, exp.Floor), exponent, scale), y3 = exp.Term(V.AtLeast(M.Load<V>(x + i + 3 * w) - shift, exp.Floor), exponent, scale);
                    Edge<V, S, T, M>.Put<B>(y0, y + i);
                    Edge<V, S, T, M>.Put<B>(y1, y + i + w);
                    Edge<V, S, T, M>.Put<B>(y2, y + i + 2 * w);
                    Edge<V, S, T, M>.Put<B>(y3, y + i + 3 * w);
                }
                for (; sizeof(S) != sizeof(T) && sizeof(V) > sizeof(T) && double.IsFinite(factor) && i + 2 * w <= n; i += 2 * w) // no NaN
                {
                    Cache.PrefetchTwo<V, S, T>(x + i);
                    M.LoadPair(x + i, out V y0, out V y1);
                    y0 = exp.Term(V.AtLeast(y0 - shift, exp.Floor), exponent, scale);
                    y1 = exp.Term(V.AtLeast(y1 - shift, exp.Floor), exponent, scale);
                    M.PutPair<V, B>(y0, y1, y + i);
                }
                if (i >= n) break;
            }
            nint count = Math.Min(w, (i < head ? head : n) - i);
            V last = exp.Term(V.AtLeast(Edge<V, S, T, M>.Load(x + i, count, double.NegativeInfinity) - shift, exp.Floor), exponent, scale);
            Edge<V, S, T, M>.Store(last, y + i, count);
            i += count;
        }
        if (B.Yes) Cache.StreamFence();
    }

    /// <summary>y = kept * factor, the last pass where the exponentials were kept; y may be kept's own memory.</summary>
    [MethodImpl(OnePass)]
    internal static void Rescale<B>(T* kept, S* y, nint n, double factor) where B : struct, IChoice
    {
        nint w = V.Count;
        V scale = V.Broadcast(Const.Of<T>(factor));
        nint head = B.Yes ? Math.Min(n, Cache.Head(y, (int)w * sizeof(S))) : 0;
        for (nint i = 0; i < n;)
        {
            if (i >= head)
            {
                for (; sizeof(S) == sizeof(T) && i + 4 * w <= n; i += 4 * w)
                {
                    V y0 = V.Load(kept + i) * scale, y1 = V.Load(kept + i + w) * scale;
                    V y2 = V.Load(kept + i + 2 * w) * scale, y3 = V.Load(kept + i + 3 * w) * scale;
                    Edge<V, S, T, M>.Put<B>(y0, y + i);
                    Edge<V, S, T, M>.Put<B>(y1, y + i + w);
                    Edge<V, S, T, M>.Put<B>(y2, y + i + 2 * w);
                    Edge<V, S, T, M>.Put<B>(y3, y + i + 3 * w);
                }
                for (; sizeof(S) != sizeof(T) && sizeof(V) > sizeof(T) && i + 2 * w <= n; i += 2 * w) // a conversion each: four would be more than the JIT inlines
                {
                    V y0 = V.Load(kept + i) * scale, y1 = V.Load(kept + i + w) * scale;
                    Edge<V, S, T, M>.Put<B>(y0, y + i);
                    Edge<V, S, T, M>.Put<B>(y1, y + i + w);
                }
                if (i >= n) break;
            }
            nint count = Math.Min(w, (i < head ? head : n) - i);
            V last = count == w ? V.Load(kept + i) : V.LoadPart(kept + i, count, Const.Of<T>(0));
            Edge<V, S, T, M>.Store(last * scale, y + i, count);
            i += count;
        }
        if (B.Yes) Cache.StreamFence();
    }

    /// <summary>y = (x - max) - logSum, log-softmax's last pass; y may be x.</summary>
    [MethodImpl(OnePass)]
    internal static void Subtract<B>(S* x, S* y, nint n, double max, double logSum) where B : struct, IChoice
    {
        nint w = V.Count;
        V most = V.Broadcast(Const.Of<T>(max)), log = V.Broadcast(Const.Of<T>(logSum));
        nint head = B.Yes ? Math.Min(n, Cache.Head(y, (int)w * sizeof(S))) : 0;
        for (nint i = 0; i < n;)
        {
            if (i >= head)
            {
                for (; sizeof(S) == sizeof(T) && i + 4 * w <= n; i += 4 * w)
                {
                    Cache.PrefetchFour<V, S, T>(x + i);
                    V y0 = M.Load<V>(x + i) - most - log, y1 = M.Load<V>(x + i + w) - most - log;
                    V y2 = M.Load<V>(x + i + 2 * w) - most - log, y3 = M.Load<V>(x + i + 3 * w) - most - log;
                    Edge<V, S, T, M>.Put<B>(y0, y + i);
                    Edge<V, S, T, M>.Put<B>(y1, y + i + w);
                    Edge<V, S, T, M>.Put<B>(y2, y + i + 2 * w);
                    Edge<V, S, T, M>.Put<B>(y3, y + i + 3 * w);
                }
                for (; sizeof(S) != sizeof(T) && sizeof(V) > sizeof(T) && i + 2 * w <= n; i += 2 * w) // a conversion each: four would be more than the JIT inlines
                {
                    Cache.PrefetchTwo<V, S, T>(x + i);
                    V y0 = M.Load<V>(x + i) - most - log, y1 = M.Load<V>(x + i + w) - most - log;
                    Edge<V, S, T, M>.Put<B>(y0, y + i);
                    Edge<V, S, T, M>.Put<B>(y1, y + i + w);
                }
                if (i >= n) break;
            }
            nint count = Math.Min(w, (i < head ? head : n) - i);
            Edge<V, S, T, M>.Store(Edge<V, S, T, M>.Load(x + i, count, double.NegativeInfinity) - most - log, y + i, count);
            i += count;
        }
        if (B.Yes) Cache.StreamFence();
    }

    /// <summary>Whether the row holds a NaN; only rows with a non-finite sum ask.</summary>
    [MethodImpl(OnePass)]
    internal static bool HasNaN(S* x, nint n)
    {
        V found = Zero;
        for (nint i = 0; i < n; i += V.Count) found = V.WhereNaN(Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity), V.Broadcast(Const.Of<T>(1)), found);
        return V.Max(found) > T.Zero;
    }
}
