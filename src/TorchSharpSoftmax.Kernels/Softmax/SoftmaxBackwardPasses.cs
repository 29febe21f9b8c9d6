using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>How one element of a gradient comes from two inputs and one number of its row.</summary>
internal interface IGradient<G, V, T>
    where G : struct, IGradient<G, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    static abstract G New();

    /// <summary>The row's number so far, and what one more element adds.</summary>
    static abstract V Add(V y, V dy, V sum);

    V Of(V y, V dy, V ofRow);
}

/// <summary>dx = y * (dy - sum(dy * y)).</summary>
internal readonly struct OfSoftmax<V, T> : IGradient<OfSoftmax<V, T>, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OfSoftmax<V, T> New() => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add(V y, V dy, V sum) => V.Fma(y, dy, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Of(V y, V dy, V dot) => y * (dy - dot);
}

/// <summary>dx = dy - e^y * sum(dy).</summary>
internal readonly struct OfLogSoftmax<V, T>(ExtExp<V, T> exp) : IGradient<OfLogSoftmax<V, T>, V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ExtExp<V, T> _exp = exp;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OfLogSoftmax<V, T> New() => new(new());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Add(V y, V dy, V sum) => sum + dy;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Of(V y, V dy, V sum) => dy - _exp.Exp(y) * sum;
}

/// <summary>The single walks over one contiguous row from which the backward kernels are built.</summary>
internal static unsafe class SoftmaxBackwardPasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;
    private const int VectorsPerFold = 64;

    /// <summary>sum(a * b).</summary>
    [MethodImpl(OnePass)]
    internal static double Dot(S* a, S* b, nint n)
    {
        nint w = V.Count;
        V zero = V.Broadcast(Const.Of<T>(0)), total = zero, lost = zero;
        for (nint i = 0; i < n;)
        {
            V s0 = zero, s1 = zero, s2 = zero, s3 = zero;
            nint stop = i + VectorsPerFold * w <= n ? i + VectorsPerFold * w : n;
            for (; i + 4 * w <= stop; i += 4 * w)
            {
                Cache.PrefetchFour<V, S, T>(a + i);
                Cache.PrefetchFour<V, S, T>(b + i);
                s0 = V.Fma(M.Load<V>(a + i), M.Load<V>(b + i), s0);
                s1 = V.Fma(M.Load<V>(a + i + w), M.Load<V>(b + i + w), s1);
                s2 = V.Fma(M.Load<V>(a + i + 2 * w), M.Load<V>(b + i + 2 * w), s2);
                s3 = V.Fma(M.Load<V>(a + i + 3 * w), M.Load<V>(b + i + 3 * w), s3);
            }
            for (; i < stop; i += w) s0 = V.Fma(Edge<V, S, T, M>.Load(a + i, n - i, 0), Edge<V, S, T, M>.Load(b + i, n - i, 0), s0);
            Folded<V, T>.Add(ref total, ref lost, (s0 + s1) + (s2 + s3));
        }
        return Const.ToDouble(V.Sum(total + lost));
    }

    /// <summary>sum(a).</summary>
    [MethodImpl(OnePass)]
    internal static double Sum(S* a, nint n)
    {
        nint w = V.Count;
        V zero = V.Broadcast(Const.Of<T>(0)), total = zero, lost = zero;
        for (nint i = 0; i < n;)
        {
            V s0 = zero, s1 = zero, s2 = zero, s3 = zero;
            nint stop = i + VectorsPerFold * w <= n ? i + VectorsPerFold * w : n;
            for (; i + 4 * w <= stop; i += 4 * w)
            {
                Cache.PrefetchFour<V, S, T>(a + i);
                s0 += M.Load<V>(a + i);
                s1 += M.Load<V>(a + i + w);
                s2 += M.Load<V>(a + i + 2 * w);
                s3 += M.Load<V>(a + i + 3 * w);
            }
            for (; i < stop; i += w) s0 += Edge<V, S, T, M>.Load(a + i, n - i, 0);
            Folded<V, T>.Add(ref total, ref lost, (s0 + s1) + (s2 + s3));
        }
        return Const.ToDouble(V.Sum(total + lost));
    }

    /// <summary>dx = G(y, dy, ofRow); dx may be y's or dy's own memory.</summary>
    [MethodImpl(OnePass)]
    internal static void Write<G, B>(S* y, S* dy, S* dx, nint n, double ofRow)
        where G : struct, IGradient<G, V, T>
        where B : struct, IChoice
    {
        nint w = V.Count;
        var gradient = G.New();
        V row = V.Broadcast(Const.Of<T>(ofRow));
        nint head = B.Yes ? Math.Min(n, Cache.Head(dx, (int)w * sizeof(S))) : 0;
        for (nint i = 0; i < n;)
        {
            for (; typeof(S) != typeof(Half) && i >= head && i + 2 * w <= n; i += 2 * w) // half: more than the JIT inlines
            {
                Cache.PrefetchTwo<V, S, T>(y + i);
                Cache.PrefetchTwo<V, S, T>(dy + i);
                V d0 = gradient.Of(M.Load<V>(y + i), M.Load<V>(dy + i), row), d1 = gradient.Of(M.Load<V>(y + i + w), M.Load<V>(dy + i + w), row);
                Edge<V, S, T, M>.Put<B>(d0, dx + i);
                Edge<V, S, T, M>.Put<B>(d1, dx + i + w);
            }
            if (i >= n) break;
            nint count = Math.Min(w, (i < head ? head : n) - i);
            Edge<V, S, T, M>.Store(gradient.Of(Edge<V, S, T, M>.Load(y + i, count, 0), Edge<V, S, T, M>.Load(dy + i, count, 0), row), dx + i, count);
            i += count;
        }
        if (B.Yes) Cache.StreamFence();
    }

    /// <summary>Rows of <see cref="VectorsPerFold"/> vectors at most in one walk, instead of a sum and a write for each: the processor works on the next row while it waits for the last one's sum.</summary>
    /// <remarks>Nothing is asked for ahead: for what the caches hold.</remarks>
    [MethodImpl(OnePass)]
    internal static void ShortRows<G>(S* y, S* dy, nint step, S* dx, nint n, nint first, nint end) where G : struct, IGradient<G, V, T>
    {
        nint w = V.Count;
        var gradient = G.New();
        V zero = V.Broadcast(Const.Of<T>(0));
        for (nint row = first; row < end; row++)
        {
            S* a = y + row * n, b = dy + row * step, to = dx + row * n;
            V s0 = zero, s1 = zero, s2 = zero, s3 = zero;
            nint i = 0;
            for (; typeof(S) != typeof(Half) && i + 4 * w <= n; i += 4 * w) // half: more than the JIT inlines
            {
                s0 = G.Add(M.Load<V>(a + i), M.Load<V>(b + i), s0);
                s1 = G.Add(M.Load<V>(a + i + w), M.Load<V>(b + i + w), s1);
                s2 = G.Add(M.Load<V>(a + i + 2 * w), M.Load<V>(b + i + 2 * w), s2);
                s3 = G.Add(M.Load<V>(a + i + 3 * w), M.Load<V>(b + i + 3 * w), s3);
            }
            for (; i < n; i += w) s0 = G.Add(Edge<V, S, T, M>.Load(a + i, n - i, 0), Edge<V, S, T, M>.Load(b + i, n - i, 0), s0);
            V sum = V.Broadcast(V.Sum((s0 + s1) + (s2 + s3)));
            for (i = 0; i + w <= n; i += w) M.Store(gradient.Of(M.Load<V>(a + i), M.Load<V>(b + i), sum), to + i);
            if (i < n) M.StorePart(gradient.Of(M.LoadPart<V>(a + i, n - i, T.Zero), M.LoadPart<V>(b + i, n - i, T.Zero), sum), to + i, n - i);
        }
    }

    /// <summary>Elements of the longest of <see cref="ShortRows"/>.</summary>
    internal static nint LongestShort
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => VectorsPerFold * V.Count;
    }

    /// <summary>dx = e^(x - lse) * dy, with lse and dy one number each; dx may be x.</summary>
    [MethodImpl(OnePass)]
    internal static void WriteOfLogSumExp<B>(S* x, S* dx, nint n, T lse, T dy) where B : struct, IChoice
    {
        nint w = V.Count;
        var exp = new ExtExp<V, T>();
        V log = V.Broadcast(lse), row = V.Broadcast(dy);
        nint head = B.Yes ? Math.Min(n, Cache.Head(dx, (int)w * sizeof(S))) : 0;
        for (nint i = 0; i < n;)
        {
            for (; typeof(S) != typeof(Half) && i >= head && i + 2 * w <= n; i += 2 * w) // half: more than the JIT inlines
            {
                Cache.PrefetchTwo<V, S, T>(x + i);
                V d0 = exp.Exp(M.Load<V>(x + i) - log) * row, d1 = exp.Exp(M.Load<V>(x + i + w) - log) * row;
                Edge<V, S, T, M>.Put<B>(d0, dx + i);
                Edge<V, S, T, M>.Put<B>(d1, dx + i + w);
            }
            if (i >= n) break;
            nint count = Math.Min(w, (i < head ? head : n) - i);
            Edge<V, S, T, M>.Store(exp.Exp(Edge<V, S, T, M>.Load(x + i, count, 0) - log) * row, dx + i, count);
            i += count;
        }
        if (B.Yes) Cache.StreamFence();
    }
}
