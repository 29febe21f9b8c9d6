namespace TorchSharpSoftmax.Kernels;

/// <summary>From logits to the results of each token.</summary>
internal sealed unsafe partial class CutChunk<L, V, S, T, M>
{
    /// <summary>Sums are made over as many classes as are multiplied at a time, whether or not gradients are filtered.</summary>
    private nint Parts => (_classes + _plan.Part - 1) / _plan.Part;

    /// <summary>One of this stretch's blocks of so many classes.</summary>
    private CutBlock<T> Block(nint index, nint classes)
    {
        nint start = index * classes;
        return new(_logits + start * Columns, _from + start, Math.Min(classes, _classes - start), Columns);
    }

    /// <summary>The logits of a slice: the product, then bias, scale and cap.</summary>
    private void WriteLogits(CutBlock<T> x)
    {
        for (nint row = 0; row < x.Rows; row += _plan.Part)
            Multiply(new(x.At + row * Columns, x.First + row, Math.Min(_plan.Part, x.Rows - row), Columns));
        if (_task.Bias != null || _task.Scale != 1) CutPasses<V, T>.Affine(x, (T*)_task.Bias, Const.Of<T>(_task.Scale));
        if (_task.Softcap > 0) CutPasses<V, T>.Cap(x, Const.Of<T>(_task.Softcap));
    }

    private void Multiply(CutBlock<T> x)
    {
        byte* scratch = _memory.Scratch.Take(out int piece);
        nint rows = GemmTile<V, T>.Rows, columns = GemmTile<V, T>.Columns, features = _task.Features, d = 0;
        T** to = stackalloc T*[(int)rows];
        do
        {
            nint depth = Math.Min(_plan.Features, features - d);
            T* weight = WeightAs(x, d, depth, (T*)scratch, out nint stride);
            for (nint n = 0; n < Columns; n += columns)
            {
                T* panel = _memory.InputByToken + n * features + d * columns, soon = panel + (n + columns < Columns ? features * columns : d + depth < features ? 0 : -n * features);
                for (nint row = 0; row < x.Rows; row += rows)
                {
                    for (nint i = 0; i < rows; i++) to[i] = x.At + (row + i) * Columns + n;
                    GemmTile<V, T>.Run(weight + row * stride, stride, 1, Math.Min(rows, x.Rows - row), n == 0 ? rows * stride : 0, soon + row / rows * (depth / GemmTile<V, T>.Line) * columns, panel, depth, to, add: d > 0);
                }
            }
            d += _plan.Features;
        }
        while (d < features);
        _memory.Scratch.Give(piece);
    }

    /// <summary>Some features of a slice's weights in the computing type, where they lie or, widened, in scratch.</summary>
    private T* WeightAs(CutBlock<T> x, nint d, nint depth, T* scratch, out nint stride)
    {
        S* from = (S*)_task.Weight + x.First * _task.Features + d;
        if (typeof(S) == typeof(T))
        {
            stride = _task.Features;
            return (T*)from;
        }
        stride = _plan.Features;
        for (nint row = 0; row < x.Rows; row++)
        {
            for (nint i = 0; i < depth; i += V.Count)
                Edge<V, T, T, AsItself<T>>.Store(Edge<V, S, T, M>.Load(from + row * _task.Features + i, depth - i, 0), scratch + row * stride + i, depth - i);
        }
        return scratch;
    }

    private void Sum(nint part)
    {
        CutBlock<T> x = Block(part, _plan.Part);
        CutSums<T> sums = SumsOf(part);
        WriteLogits(x);
        if (_task.WantsArgmax) CutPasses<V, T>.Best(x, sums);
        if (_task.Smoothing > 0) CutPasses<V, T>.SumWeighted<L>(x, (T*)_task.ClassWeight, sums);
        if (_task.Probabilities != null)
        {
            byte* scratch = _memory.Scratch.Take(out int piece);
            CutPasses<V, T>.SumTargets<L>(x, TargetsAs(x, (T*)scratch), (T*)_task.ClassWeight, sums);
            _memory.Scratch.Give(piece);
        }
        Span<CutHit> hits = HitsIn(x.First, x.Rows);
        foreach (ref CutHit hit in hits)
        {
            T* at = x.Of((nint)hit.Class, hit.Token);
            hit.Logit = Const.ToDouble(*at);
            if (LeavesTargetOut) *at = Const.Of<T>(double.NegativeInfinity);
        }
        CutPasses<V, T>.Sum<L>(x, sums);
        if (_task.WantsEntropy) CutPasses<V, T>.SumLogs<L>(x, sums);
        foreach (ref CutHit hit in hits) *x.Of((nint)hit.Class, hit.Token) = Const.Of<T>(hit.Logit);
    }

    private CutSums<T> SumsOf(nint part) => new(_memory.Sums + part * CutSums<T>.Fields * Columns, Columns);

    /// <summary>Dense targets of a block, turned to lie as it does.</summary>
    private T* TargetsAs(CutBlock<T> x, T* scratch)
    {
        for (nint token = 0; token < Columns; token++)
        {
            S* from = (S*)_task.Probabilities + (nint)_task.RowIndex[_first + Math.Min(token, _tokens - 1)] * _task.Classes + x.First;
            for (nint row = 0; row < x.Rows; row++) scratch[row * Columns + token] = Lane1<T>.Max(M.Load<Lane1<T>>(from + row));
        }
        return scratch;
    }

    private void Merge(nint token)
    {
        for (nint part = 0; part < Parts; part++)
        {
            _memory.Totals[token].Add<L, V, T>(
                SumsOf(part), token, _from + part * _plan.Part, _task.WantsEntropy, _task.Smoothing > 0, _task.Probabilities != null, _task.WantsArgmax);
        }
        if (Saves) SetLeast(token);
    }

    private void Finish()
    {
        for (nint token = 0; token < _tokens; token++)
        {
            if (!LeavesTargetOut) _run.Results[_first + token] = new(0, 0, 0, 0, _memory.Totals[token].BestClass);
        }
        for (nint i = 0; i < _hits; i++)
        {
            ref CutHit hit = ref _memory.Hits[i];
            CutCrossEntropyRow* result = _run.Results + _first + hit.Token;
            if (LeavesTargetOut) *result = OfOneTarget(hit, _memory.Totals[hit.Token]);
            else if (hit.Share != 0) *result = *result with { Loss = result->Loss - _ofTarget * hit.Share * L.LogOfKey(L.KeyOf(hit.Logit)), Rest = result->Rest + _ofTarget * hit.Share };
        }
        for (nint token = 0; token < _tokens && !LeavesTargetOut; token++)
            _run.Results[_first + token] = OfManyTargets(_run.Results[_first + token], _memory.Totals[token]);
    }

    /// <summary>loss = log(1 + others / target): positive parts alone, so exact however near to 1 the target's probability is.</summary>
    private CutCrossEntropyRow OfOneTarget(in CutHit hit, in CutTotals sums)
    {
        double target = L.LogOfKey(L.KeyOf(hit.Logit)), others = sums.Sum == 0 ? double.NegativeInfinity : L.LogOfKey(sums.Key) + Math.Log(sums.Sum);
        double gap = double.IsPositiveInfinity(target) ? double.NaN : others - target;
        double small = CrossEntropyKernels.Log1P(Math.Exp(-Math.Abs(gap))), loss = gap > 0 ? gap + small : small, lse = gap > 0 ? others + small : target + small;
        double rest = gap > 0 ? 1 / (1 + Math.Exp(-gap)) : Math.Exp(gap) / (1 + Math.Exp(gap));
        double entropy = 0;
        if (_task.WantsEntropy)
        {
            double mean = (sums.Sum == 0 ? 0 : sums.Logs * Math.Exp(L.LogOfKey(sums.Key) - lse)) + (1 - rest == 0 ? 0 : (1 - rest) * target);
            entropy = lse - mean;
        }
        double own = _ofTarget * hit.Share;
        return new((own == 0 ? 0 : own * loss) + Spread(lse, sums), lse, rest, entropy, sums.BestClass);
    }

    /// <summary>The row so far has what the targets' logits cost, and how much they count.</summary>
    private CutCrossEntropyRow OfManyTargets(in CutCrossEntropyRow row, in CutTotals sums)
    {
        double lse = L.LogOfKey(sums.Key) + Math.Log(sums.Sum);
        double count = _task.Probabilities == null ? row.Rest : _ofTarget * sums.Targets, logs = _task.Probabilities == null ? row.Loss : -_ofTarget * sums.TargetLogs;
        double entropy = _task.WantsEntropy ? lse - sums.Logs / sums.Sum : 0;
        return new((count == 0 ? 0 : count * lse) + logs + Spread(lse, sums), lse, count, entropy, row.Argmax);
    }

    private double Spread(double lse, in CutTotals sums) => _ofEach == 0 ? 0 : _ofEach * (_classWeights * lse - sums.Weighted);
}
