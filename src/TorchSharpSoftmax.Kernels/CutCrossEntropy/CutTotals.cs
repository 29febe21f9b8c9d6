namespace TorchSharpSoftmax.Kernels;

/// <summary>A target of a token in the chunk; they are sorted by class, so that a slice finds its own.</summary>
internal struct CutHit
{
    internal long Class;

    internal int Token;

    /// <summary>What it counts, class weight included.</summary>
    internal double Share;

    /// <summary>Its logit, once its slice has been there.</summary>
    internal double Logit;
}

/// <summary>The sums of one token over the parts so far: those of <see cref="CutSums{T}"/>, brought to one unit.</summary>
internal struct CutTotals
{
    internal double Key, Sum, Logs, Weighted, Targets, TargetLogs, Best;

    internal long BestClass;

    /// <summary>Nothing yet.</summary>
    internal static CutTotals None => new() { Best = double.NegativeInfinity, BestClass = -1 };

    /// <summary>Takes one part in.</summary>
    internal unsafe void Add<L, V, T>(CutSums<T> sums, nint column, long first, bool logs, bool weighted, bool targets, bool best)
        where L : struct, ICutLink<L, V, T>
        where V : unmanaged, ILanes<V, T>
        where T : unmanaged
    {
        double sum = Const.ToDouble(sums.Sum[column]), key = Const.ToDouble(sums.Key[column]);
        if (sum != 0)
        {
            bool isLarger = Sum == 0 || key > Key;
            double mine = !isLarger ? 1 : Sum == 0 ? 0 : L.Relative(Key, key), its = isLarger ? 1 : L.Relative(key, Key);
            if (isLarger) Key = key;
            Sum = Sum * mine + sum * its;
            if (logs) Logs = Logs * mine + Const.ToDouble(sums.Logs[column]) * its;
        }
        if (weighted) Weighted += Const.ToDouble(sums.Weighted[column]);
        if (targets)
        {
            Targets += Const.ToDouble(sums.Targets[column]);
            TargetLogs += Const.ToDouble(sums.TargetLogs[column]);
        }
        if (best && (Const.ToDouble(sums.Best[column]) > Best || BestClass < 0))
        {
            Best = Const.ToDouble(sums.Best[column]);
            BestClass = first + (long)Const.ToDouble(sums.BestRow[column]);
        }
    }
}
