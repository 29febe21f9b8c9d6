using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The loss of each row, in double, and what its gradient needs.</summary>
/// <remarks>loss = sum(q) * log(1 + ratio) + sum(q * gap), where ratio is what all terms but the largest are of the largest: every part is positive.</remarks>
internal readonly unsafe struct CrossEntropyForward(CrossEntropyLink link, void* x, CrossEntropyTargets targets, double* losses, CrossEntropyRow* saved) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        if (link == CrossEntropyLink.StableMax) Run<StableMaxLink<V, T>, StableMaxGap<V, T>, V, S, T, M>(first, end);
        else Run<SoftmaxLink<V, T>, SoftmaxGap<V, T>, V, S, T, M>(first, end);
    }

    private void Run<L, G, V, S, T, M>(nint first, nint end)
        where L : struct, ILink<L, V, T>
        where G : struct, IGap<G, V, T>
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        nint n = targets.Length, batch = RowBatch.Of(n * sizeof(S));
        RowTerms* rows = stackalloc RowTerms[RowBatch.Most];
        for (nint at = first; at < end; at += batch)
        {
            nint count = Math.Min(batch, end - at);
            S* from = (S*)x + at * n;
            for (nint i = 0; i < count; i++) rows[i].Skip = targets.IsIgnored(at + i);
            CrossEntropyPasses<V, S, T, M>.Sum<L>(from, n, count, rows, T.One);
            for (nint i = 0; i < count; i++)
            {
                if (L.ByMax || rows[i].Skip) continue;
                if (!double.IsFinite(rows[i].Others) && double.IsFinite(rows[i].Most)) // a sum beyond the type's range; a NaN stays one
                    CrossEntropyPasses<V, S, T, M>.Sum<L>(from + i * n, n, 1, rows + i, Const.Of<T>(Const.TwoToMinus64));
            }
            if (targets.IsDense) Gaps<G, V, S, T, M>(from, at, count, rows);
            for (nint i = 0; i < count; i++) Finish<L, V, S, T, M>(from + i * n, at + i, rows[i]);
        }
    }

    private void Gaps<G, V, S, T, M>(S* from, nint at, nint count, RowTerms* rows)
        where G : struct, IGap<G, V, T>
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        for (nint i = 0; i < count; i++) rows[i].LogTop = G.LogTop(rows[i].Top);
        T* ones = stackalloc T[RowBatch.MostLanes];
        nint n = targets.Length, mask = targets.WeightOrOnes(ones, out T* weight);
        S* t = (S*)targets.Probabilities + at * n;
        if (targets.Probabilities == null) CrossEntropyPasses<V, S, T, M>.Gaps<G, No>(from, from, weight, mask, n, count, rows, 0, targets.OfEach);
        else CrossEntropyPasses<V, S, T, M>.Gaps<G, Yes>(from, t, weight, mask, n, count, rows, targets.OfTarget, targets.OfEach);
    }

    private void Finish<L, V, S, T, M>(S* x, nint row, in RowTerms terms)
        where L : struct, ILink<L, V, T>
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        if (terms.Skip)
        {
            losses[row] = 0;
            saved[row] = default;
            return;
        }
        double ratio = (terms.Others + (terms.Most - terms.Most)) / terms.Most; // NaN beside an infinite term
        double weight = targets.IsDense ? terms.Weight : 0, all = weight, gaps = targets.IsDense ? terms.Gaps : 0;
        if (targets.Classes != null)
        {
            long y = targets.Classes[row];
            double own = targets.OfTarget * targets.WeightOf<T>(y);
            all += own;
            if (own != 0) gaps += own * L.Gap(Lane1<T>.Max(M.Load<Lane1<T>>(x + y)), terms.Top);
        }
        losses[row] = all * CrossEntropyKernels.Log1P(ratio) + gaps;
        saved[row] = new(terms.Top, ratio, weight);
    }
}

/// <summary>How many rows the passes take at once: those of a first-level cache's half, so that a later pass finds them there.</summary>
internal static class RowBatch
{
    internal const int Most = 64, MostLanes = 16;
    private const nint Bytes = 1 << 14;

    internal static nint Of(nint bytesPerRow) => Math.Clamp(Bytes / Math.Max(1, bytesPerRow), 1, Most);
}
