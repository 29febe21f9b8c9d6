using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The walks over a block of logits on their way forward; each goes down the classes of one vector of tokens.</summary>
internal static unsafe class CutPasses<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;

    /// <summary>x = scale * (x + bias), of each class its own bias; bias is null where all are 0.</summary>
    [MethodImpl(OnePass)]
    internal static void Affine(CutBlock<T> x, T* bias, T scale)
    {
        V factor = V.Broadcast(scale), zero = V.Broadcast(Const.Of<T>(0));
        for (nint row = 0; row < x.Rows; row++)
        {
            T* at = x.At + row * x.Columns;
            V b = bias == null ? zero : V.Broadcast(bias[x.First + row]);
            for (nint n = 0; n < x.Columns; n += V.Count) V.Store((V.Load(at + n) + b) * factor, at + n);
        }
    }

    /// <summary>x = cap * tanh(x / cap).</summary>
    [MethodImpl(OnePass)]
    internal static void Cap(CutBlock<T> x, T cap)
    {
        var tanh = new Tanh<V, T>();
        V by = V.Broadcast(cap);
        for (nint i = 0, count = x.Rows * x.Columns; i < count; i += V.Count) V.Store(by * tanh.Of(V.Load(x.At + i) / by), x.At + i);
    }

    /// <summary>The largest key, and the sum of the terms.</summary>
    [MethodImpl(OnePass)]
    internal static void Sum<L>(CutBlock<T> x, CutSums<T> sums) where L : struct, ICutLink<L, V, T>
    {
        L link = L.New();
        V lowest = V.Broadcast(Const.Of<T>(double.NegativeInfinity)), zero = V.Broadcast(Const.Of<T>(0));
        for (nint n = 0; n < x.Columns; n += V.Count)
        {
            V key = lowest, other = lowest, a = zero, b = zero;
            T* at = x.At + n, end = at + x.Rows * x.Columns;
            if ((x.Rows & 1) != 0)
            {
                key = link.Key(V.Load(at));
                at += x.Columns;
            }
            for (; at < end; at += 2 * x.Columns)
            {
                key = V.AtLeast(link.Key(V.Load(at)), key);
                other = V.AtLeast(link.Key(V.Load(at + x.Columns)), other);
            }
            key = V.AtLeast(key, other);
            V unit = link.Unit(key);
            at = x.At + n;
            if ((x.Rows & 1) != 0)
            {
                a = link.Term(V.Load(at), unit);
                at += x.Columns;
            }
            for (; at < end; at += 2 * x.Columns)
            {
                a += link.Term(V.Load(at), unit);
                b += link.Term(V.Load(at + x.Columns), unit);
            }
            V.Store(key, sums.Key + n);
            V.Store(a + b, sums.Sum + n);
        }
    }

    /// <summary>sum(term * log term), after <see cref="Sum"/>; a term of 0 counts 0.</summary>
    [MethodImpl(OnePass)]
    internal static void SumLogs<L>(CutBlock<T> x, CutSums<T> sums) where L : struct, ICutLink<L, V, T>
    {
        L link = L.New();
        V lowest = V.Broadcast(Const.Of<T>(float.MinValue, double.MinValue));
        for (nint n = 0; n < x.Columns; n += V.Count)
        {
            V unit = link.Unit(V.Load(sums.Key + n)), sum = V.Broadcast(Const.Of<T>(0));
            T* at = x.At + n;
            for (nint row = 0; row < x.Rows; row++, at += x.Columns)
            {
                V logit = V.Load(at);
                sum = V.Fma(link.Term(logit, unit), V.AtLeast(link.LogTerm(logit), lowest), sum);
            }
            V.Store(sum, sums.Logs + n);
        }
    }

    /// <summary>sum(weight * log term); weight is null where all are 1.</summary>
    [MethodImpl(OnePass)]
    internal static void SumWeighted<L>(CutBlock<T> x, T* weight, CutSums<T> sums) where L : struct, ICutLink<L, V, T>
    {
        L link = L.New();
        V one = V.Broadcast(Const.Of<T>(1));
        for (nint n = 0; n < x.Columns; n += V.Count)
        {
            V sum = V.Broadcast(Const.Of<T>(0));
            T* at = x.At + n;
            for (nint row = 0; row < x.Rows; row++, at += x.Columns)
                sum = V.Fma(weight == null ? one : V.Broadcast(weight[x.First + row]), link.LogTerm(V.Load(at)), sum);
            V.Store(sum, sums.Weighted + n);
        }
    }

    /// <summary>sum(weight * target) and sum(weight * target * log term), targets lying as the block does; what counts 0 costs 0.</summary>
    [MethodImpl(OnePass)]
    internal static void SumTargets<L>(CutBlock<T> x, T* target, T* weight, CutSums<T> sums) where L : struct, ICutLink<L, V, T>
    {
        L link = L.New();
        V one = V.Broadcast(Const.Of<T>(1)), zero = V.Broadcast(Const.Of<T>(0));
        for (nint n = 0; n < x.Columns; n += V.Count)
        {
            V all = zero, logs = zero;
            T* at = x.At + n, t = target + n;
            for (nint row = 0; row < x.Rows; row++, at += x.Columns, t += x.Columns)
            {
                V share = V.Load(t) * (weight == null ? one : V.Broadcast(weight[x.First + row])), log = link.LogTerm(V.Load(at));
                all += share;
                logs += V.WhereLess(V.Abs(share), V.Broadcast(Const.Of<T>(float.Epsilon, double.Epsilon)), zero, share * log);
            }
            V.Store(all, sums.Targets + n);
            V.Store(logs, sums.TargetLogs + n);
        }
    }

    /// <summary>The logits whose keys are not below their token's least one, NaN included.</summary>
    [MethodImpl(OnePass)]
    internal static nint Find<L>(CutBlock<T> x, nint tokens, T* least, CutEntry<T>* entries) where L : struct, ICutLink<L, V, T>
    {
        L link = L.New();
        nint count = 0;
        V top = V.Broadcast(Const.Of<T>(1)), bottom = V.Broadcast(Const.Of<T>(-1)), seen;
        T* lanes = (T*)&seen;
        for (nint row = 0; row < x.Rows; row++)
        {
            T* at = x.At + row * x.Columns;
            for (nint n = 0; n < tokens; n += V.Count)
            {
                V key = link.Key(V.Load(at + n)), above = V.WhereNaN(key, top, V.WhereLess(key, V.Load(least + n), bottom, top));
                if (Const.ToDouble(V.Max(above)) < 0) continue;
                seen = above;
                for (nint i = 0; i < V.Count && n + i < tokens; i++)
                {
                    entries[count] = new((ushort)row, (ushort)(n + i), at[n + i]);
                    count += Const.ToDouble(lanes[i]) > 0 ? 1 : 0;
                }
            }
        }
        return count;
    }

    /// <summary>The first largest logit; NaN counts as the largest.</summary>
    [MethodImpl(OnePass)]
    internal static void Best(CutBlock<T> x, CutSums<T> sums)
    {
        V top = V.Broadcast(Const.Of<T>(double.PositiveInfinity)), one = V.Broadcast(Const.Of<T>(1));
        for (nint n = 0; n < x.Columns; n += V.Count)
        {
            T* at = x.At + n;
            V first = V.Load(at), best = V.WhereNaN(first, top, first), row = V.Broadcast(Const.Of<T>(0)), current = row;
            for (nint i = 1; i < x.Rows; i++)
            {
                at += x.Columns;
                current += one;
                V next = V.Load(at), number = V.WhereNaN(next, top, next);
                row = V.WhereLess(best, number, current, row);
                best = V.WhereLess(best, number, number, best);
            }
            V.Store(best, sums.Best + n);
            V.Store(row, sums.BestRow + n);
        }
    }
}
