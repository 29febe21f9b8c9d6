using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The walks over contiguous rows of logits from which the losses are built. Each takes many rows, so that a short one costs no call.</summary>
internal static unsafe class CrossEntropyPasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;
    private const int VectorsPerFold = 16; // beside one large term 8 small ones may be lost in a chain, not more

    private static V Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => V.Broadcast(Const.Of<T>(0));
    }

    /// <summary>Top, Most and Others of each row, terms scaled by a power of two. 1 - p is never formed: of two terms the smaller one goes to the others.</summary>
    [MethodImpl(OnePass)]
    internal static void Sum<L>(S* x, nint n, nint count, RowTerms* rows, T scale) where L : struct, ILink<L, V, T>
    {
        nint w = V.Count;
        var link = L.New();
        for (nint row = 0; row < count; row++, x += n)
        {
            if (rows[row].Skip) continue;
            T top = L.ByMax ? Max(x, n) : Const.Of<T>(1);
            var frame = link.FrameOf(top, scale);
            V most0 = Zero, most1 = Zero, total = Zero, lost = Zero;
            for (nint i = 0; i < n;)
            {
                V others0 = Zero, others1 = Zero;
                nint stop = i + VectorsPerFold * w <= n ? i + VectorsPerFold * w : n;
                for (; (typeof(S) != typeof(Half) || sizeof(V) > sizeof(T)) && i + 2 * w <= stop; i += 2 * w) // half in one lane: more than the JIT inlines
                {
                    Cache.PrefetchTwo<V, S, T>(x + i);
                    V t0 = link.Term(M.Load<V>(x + i), frame), t1 = link.Term(M.Load<V>(x + i + w), frame);
                    others0 += V.AtMost(t0, most0);
                    others1 += V.AtMost(t1, most1);
                    most0 = V.AtLeast(t0, most0);
                    most1 = V.AtLeast(t1, most1);
                }
                for (; i < stop; i += w)
                {
                    V t = link.Term(Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity), frame);
                    others0 += V.AtMost(t, most0);
                    most0 = V.AtLeast(t, most0);
                }
                Folded<V, T>.Add(ref total, ref lost, others0 + others1);
            }

            // Across lanes by the same rule: all but one of the largest are others.
            V most = V.AtLeast(most0, most1), one = V.Broadcast(Const.Of<T>(1));
            T largest = V.Max(most);
            V all = V.Broadcast(largest);
            T others = V.Sum((total + lost) + (V.AtMost(most0, most1) + V.WhereLess(most, all, most, Zero)));
            T twins = V.Sum(V.WhereLess(most, all, Zero, one)) - Const.Of<T>(1);
            rows[row].Most = Const.ToDouble(largest);
            rows[row].Others = Const.ToDouble(others + (twins > Const.Of<T>(0) ? twins * largest : Const.Of<T>(0)));
            rows[row].Top = L.ByMax ? Const.ToDouble(top) : Const.ToDouble(largest) / Const.ToDouble(scale);
        }
    }

    /// <summary>Weight and Gaps of each row's dense part, that is of q = weight * (ofTarget * t + ofEach); without P there is no t.</summary>
    [MethodImpl(OnePass)]
    internal static void Gaps<G, P>(S* x, S* t, T* weight, nint weightMask, nint n, nint count, RowTerms* rows, double ofTarget, double ofEach)
        where G : struct, IGap<G, V, T>
        where P : struct, IChoice
    {
        nint w = V.Count;
        var gap = G.New();
        V own = V.Broadcast(Const.Of<T>(ofTarget)), each = V.Broadcast(Const.Of<T>(ofEach)), least = V.Broadcast(T.Epsilon);
        for (nint row = 0; row < count; row++, x += n, t += n)
        {
            if (rows[row].Skip) continue;
            V top = V.Broadcast(Const.Of<T>(rows[row].Top)), logTop = V.Broadcast(Const.Of<T>(rows[row].LogTop));
            V weights = Zero, weightsLost = Zero, gaps = Zero, gapsLost = Zero;
            for (nint i = 0; i < n;)
            {
                V someWeights = Zero, someGaps = Zero;
                nint stop = i + VectorsPerFold * w <= n ? i + VectorsPerFold * w : n;
                for (; i < stop; i += w)
                {
                    V q = Edge<V, T, T, AsItself<T>>.Load(weight + (i & weightMask), n - i, 0);
                    q *= P.Yes ? V.Fma(own, Edge<V, S, T, M>.Load(t + i, n - i, 0), each) : each;
                    V far = q * gap.Of(Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity), top, logTop);
                    someWeights += q;
                    someGaps += V.WhereLess(V.Abs(q), least, Zero, far); // what counts 0 does so however far it is
                }
                Folded<V, T>.Add(ref weights, ref weightsLost, someWeights);
                Folded<V, T>.Add(ref gaps, ref gapsLost, someGaps);
            }
            T sumOfGaps = V.Sum(gaps);
            rows[row].Weight = Const.ToDouble(V.Sum(weights)) + Const.ToDouble(V.Sum(weightsLost));
            rows[row].Gaps = Const.ToDouble(T.IsInfinity(sumOfGaps) ? sumOfGaps : V.Sum(gaps + gapsLost)); // beside an infinity the rest is NaN
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Max(S* x, nint n)
    {
        nint w = V.Count, i = 0;
        V a = V.Broadcast(Const.Of<T>(double.NegativeInfinity)), b = a;
        for (; (typeof(S) != typeof(Half) || sizeof(V) > sizeof(T)) && i + 2 * w <= n; i += 2 * w)
        {
            Cache.PrefetchTwo<V, S, T>(x + i);
            a = V.AtLeast(a, M.Load<V>(x + i));
            b = V.AtLeast(b, M.Load<V>(x + i + w));
        }
        for (; i < n; i += w) a = V.AtLeast(a, Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity));
        return V.Max(V.AtLeast(a, b));
    }
}
