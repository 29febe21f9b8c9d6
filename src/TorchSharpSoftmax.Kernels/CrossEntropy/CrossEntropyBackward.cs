using System.Numerics;
using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>dx = dy * slope * (sum(q) * p - q) of each row, dy being one number for each row or, at step 0, for all.</summary>
internal readonly unsafe struct CrossEntropyBackward(
    CrossEntropyLink link, void* x, CrossEntropyTargets targets, CrossEntropyRow* saved, void* dy, nint dyStep, double divisor, void* dx, bool stream) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        if (link == CrossEntropyLink.StableMax) Run<StableMaxLink<V, T>, V, S, T, M>(first, end);
        else Run<SoftmaxLink<V, T>, V, S, T, M>(first, end);
    }

    private void Run<L, V, S, T, M>(nint first, nint end)
        where L : struct, ILink<L, V, T>
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        nint n = targets.Length, batch = RowBatch.Of(n * sizeof(S));
        GradientRow<T>* rows = stackalloc GradientRow<T>[RowBatch.Most];
        for (nint at = first; at < end; at += batch)
        {
            nint count = Math.Min(batch, end - at);
            S* from = (S*)x + at * n, to = (S*)dx + at * n;
            for (nint i = 0; i < count; i++)
            {
                rows[i] = targets.IsIgnored(at + i) ? new() { Skip = true } : Row<L, V, S, T, M>(from + i * n, at + i);
                if (rows[i].Skip) NativeMemory.Clear(to + i * n, (nuint)n * (nuint)sizeof(S));
            }
            if (targets.IsDense) WriteDense<L, V, S, T, M>(from, to, at, count, rows);
            else if (stream) CrossEntropyGradientPasses<V, S, T, M>.Write<L, Yes>(from, to, n, count, rows);
            else CrossEntropyGradientPasses<V, S, T, M>.Write<L, No>(from, to, n, count, rows);
            for (nint i = 0; targets.Classes != null && i < count; i++)
            {
                if (!rows[i].Skip) M.Store(new Lane1<T>(rows[i].OfTarget), to + i * n + (nint)targets.Classes[at + i]);
            }
        }
    }

    private void WriteDense<L, V, S, T, M>(S* from, S* to, nint at, nint count, GradientRow<T>* rows)
        where L : struct, ILink<L, V, T>
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        T* ones = stackalloc T[RowBatch.MostLanes];
        nint n = targets.Length, mask = targets.WeightOrOnes(ones, out T* weight);
        S* t = (S*)targets.Probabilities + at * n;
        if (targets.Probabilities == null)
            CrossEntropyGradientPasses<V, S, T, M>.WriteDense<L, No>(from, from, to, weight, mask, n, count, rows, 0, targets.OfEach);
        else
            CrossEntropyGradientPasses<V, S, T, M>.WriteDense<L, Yes>(from, t, to, weight, mask, n, count, rows, targets.OfTarget, targets.OfEach);
    }

    private GradientRow<T> Row<L, V, S, T, M>(S* x, nint row)
        where L : struct, ILink<L, V, T>
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        var (top, ratio, weight) = saved[row];
        double upstream = Const.ToDouble(Lane1<T>.Max(M.Load<Lane1<T>>((S*)dy + row * dyStep))) / divisor;
        double all = weight, notTop = ratio / (1 + ratio), ofTarget = 0;
        if (targets.Classes != null)
        {
            long y = targets.Classes[row];
            double classWeight = targets.WeightOf<T>(y), own = targets.OfTarget * classWeight;
            double each = targets.IsDense ? Const.ToDouble(Const.Of<T>(targets.OfEach) * Const.Of<T>(classWeight)) : 0;
            T target = Lane1<T>.Max(M.Load<Lane1<T>>(x + y));
            double z = Const.ToDouble(target);
            all += own;
            ofTarget = upstream * L.SlopeOf(z) * (ratio < 1 && L.IsTop(target, top) // NaN in a row that has no gradient
                ? (weight - each) - all * notTop
                : all * L.Relative(z, top) / (1 + ratio) - (own + each));
        }
        var (coefficient, scale) = L.Coefficient(upstream * all / (1 + ratio), top);
        T whole = Const.Of<T>(all);
        return new()
        {
            Top = Const.Of<T>(top),
            Largest = Const.Of<T>(ratio < 1 ? top : double.PositiveInfinity),
            Scale = Const.Of<T>(scale),
            Coefficient = Const.Of<T>(coefficient),
            Upstream = Const.Of<T>(upstream),
            Weight = whole,
            WeightRest = Const.Of<T>(all - Const.ToDouble(whole)),
            Fall = Const.Of<T>(upstream * all * notTop),
            OfTarget = Const.Of<T>(ofTarget),
        };
    }
}
