using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>From results and upstream gradients to the gradients.</summary>
internal sealed unsafe partial class CutChunk<L, V, S, T, M>
{
    /// <summary>As many as threads: each reads the logits' gradients once, and more units would read them more often.</summary>
    private nint InputUnits => Math.Min(_plan.Width / GemmTile<V, T>.Columns, _run.Threads) * TokenParts;

    /// <summary>Where there are fewer panels of features than threads, tokens are dealt out as well.</summary>
    private nint TokenParts => Math.Max(1, Math.Min(_run.Threads / Math.Max(1, _plan.Width / GemmTile<V, T>.Columns), Columns / GemmTile<V, T>.Columns));

    /// <summary>What each token's probabilities are multiplied by, from its upstream gradients.</summary>
    private void FindFactors()
    {
        for (nint token = 0; token < Columns; token++)
        {
            if (token >= _tokens)
            {
                SetFactors(token, 0, 0, 0, 0, 0, 0, 0, double.PositiveInfinity);
                continue;
            }
            CutCrossEntropyRow row = _run.Results[_first + token];
            CutCrossEntropyUpstream of = _run.Upstream[_first + token];
            var (frame, factor) = L.FrameOf(row.LogSumExp);
            double scale = _task.Scale, count = LeavesTargetOut ? 0 : row.Rest;
            double whole = of.OfLoss * (count + _ofEach * _classWeights) + OfLogSum(row, of);
            double least = _run.Filter.Threshold * Math.Abs(of.OfLoss * scale);
            SetFactors(
                token, frame, factor, whole * scale, of.OfEntropy * scale, row.LogSumExp - row.Entropy, of.OfLoss * _ofEach * scale, of.OfLoss * _ofTarget * scale,
                least < 1e37 ? Math.Max(least, 1e-37) : 1e-37); // an upstream gradient that is no number, or nearly infinite, is all kept
        }
        for (nint i = 0; i < _hits && LeavesTargetOut; i++) // the share of the one target is only known here
        {
            ref CutHit hit = ref _memory.Hits[i];
            double own = _run.Upstream[_first + hit.Token].OfLoss * _ofTarget * hit.Share * _task.Scale;
            Factors.Whole[hit.Token] = Const.Of<T>(Const.ToDouble(Factors.Whole[hit.Token]) + own);
        }
        for (nint token = 0; token < _tokens && !IsGeneral; token++)
            Factors.Factor[token] = Const.Of<T>(Const.ToDouble(Factors.Factor[token]) * Const.ToDouble(Factors.Whole[token]));
    }

    private void SetFactors(nint token, double frame, double factor, double whole, double ofEntropy, double level, double spread, double ofTargets, double least)
    {
        Factors.Frame[token] = Const.Of<T>(frame);
        Factors.Factor[token] = Const.Of<T>(factor);
        Factors.Whole[token] = Const.Of<T>(whole);
        Factors.OfEntropy[token] = Const.Of<T>(ofEntropy);
        Factors.Level[token] = Const.Of<T>(level);
        Factors.Spread[token] = Const.Of<T>(spread);
        Factors.OfTargets[token] = Const.Of<T>(ofTargets);
        Factors.Least[token] = Const.Of<T>(least);
    }

    private double OfLogSum(in CutCrossEntropyRow row, in CutCrossEntropyUpstream of) => of.OfLogSumExp + 2 * _run.Squares * row.LogSumExp;

    private nint Slices => (_classes + _plan.Slice - 1) / _plan.Slice;

    /// <summary>A slice's logits become their gradients, and those the slice's rows of the weight's gradient.</summary>
    private void Gradient(nint slice)
    {
        CutBlock<T> x = Block(slice, _plan.Slice);
        if (Restores) Restore(x);
        else if (_run.Phase == CutPhase.Backward) WriteLogits(x);
        Span<CutHit> hits = HitsIn(x.First, x.Rows);
        foreach (ref CutHit hit in hits) hit.Logit = Const.ToDouble(*x.Of((nint)hit.Class, hit.Token));
        if (!IsGeneral)
        {
            CutGradientPasses<V, T>.Write<L>(x, Factors);
        }
        else
        {
            byte* scratch = _memory.Scratch.Take(out int piece);
            T* target = _task.Probabilities == null ? null : TargetsAs(x, (T*)scratch);
            CutGradientPasses<V, T>.WriteAll<L>(x, Factors, (T*)_task.ClassWeight, target, Const.Of<T>(_task.Softcap));
            _memory.Scratch.Give(piece);
        }
        foreach (ref CutHit hit in hits)
        {
            T* at = x.Of((nint)hit.Class, hit.Token);
            *at = Const.Of<T>(LeavesTargetOut ? OfTarget(hit) : Const.ToDouble(*at) - OfHit(hit));
        }
        if (_run.Filter.Unbiased && Filters) CutGradientPasses<V, T>.Draw(x, _tokens, _task.RowIndex + _first, Factors, _run.Filter.Seed);
        if (_run.Gradients.Bias != 0) CutGradientPasses<V, T>.AddRows(x, _tokens, _memory.BiasSums);
        if (Filters) KeepAndMultiply(slice, x);
        else if (_run.Gradients.Weight != 0) MultiplyWhole(x);
    }

    /// <summary>The gradient of one target's logit, from the others' share: 1 - p is never formed.</summary>
    private double OfTarget(in CutHit hit)
    {
        CutCrossEntropyRow row = _run.Results[_first + hit.Token];
        CutCrossEntropyUpstream of = _run.Upstream[_first + hit.Token];
        double own = of.OfLoss * _ofTarget * hit.Share, p = 1 - row.Rest, rest = of.OfLoss * _ofEach * _classWeights + OfLogSum(row, of);
        double gradient = rest * p - own * row.Rest - of.OfLoss * _ofEach * ClassWeight(hit.Class);
        if (of.OfEntropy != 0 && p > 0) gradient -= of.OfEntropy * p * (L.LogOfKey(L.KeyOf(hit.Logit)) - row.LogSumExp + row.Entropy);
        return gradient * Slope(hit.Logit);
    }

    private double OfHit(in CutHit hit) => _run.Upstream[_first + hit.Token].OfLoss * _ofTarget * hit.Share * Slope(hit.Logit);

    /// <summary>Of a log term by the product of input and weight.</summary>
    private double Slope(double logit)
    {
        double ratio = _task.Softcap > 0 ? logit / _task.Softcap : 0;
        return L.SlopeOf(logit) * (1 - ratio * ratio) * _task.Scale;
    }

    private void MultiplyWhole(CutBlock<T> x)
    {
        byte* scratch = _memory.Scratch.Take(out int piece);
        nint rows = GemmTile<V, T>.Rows;
        T** to = stackalloc T*[(int)rows];
        for (nint d = 0; d < _task.Features; d += GemmTile<V, T>.Columns) // one panel of the input for all rows: it stays in the nearest cache
        {
            for (nint row = 0; row < x.Rows; row += rows)
            {
                nint count = Math.Min(rows, x.Rows - row);
                for (nint i = 0; i < count; i++) to[i] = WeightGradientOf(x.First + row + i) + d;
                MultiplyRows(x.At + row * Columns, count, d, 0, _tokens, to, (T*)scratch + _memory.Scrap, add: _first > 0);
            }
        }
        _memory.Scratch.Give(piece);
    }

    private T* WeightGradientOf(nint v) => (T*)_run.Gradients.Weight + v * _task.Features;

    /// <summary>to[i] = (+=) the sum over some tokens of g[i] * input, one panel of features; to has room for a tile's rows and is used up.</summary>
    private void MultiplyRows(T* g, nint rows, nint d, nint token, nint tokens, T** to, T* scrap, bool add)
    {
        nint columns = GemmTile<V, T>.Columns;
        T* panel = _memory.InputByFeature + d * _tokens + token * columns;
        GemmTile<V, T>.RunPart(g, Columns, 1, rows, Math.Min(columns, _task.Features - d), 0, panel, panel, tokens, to, scrap, add);
    }

    /// <summary>Panel by panel of tokens: the classes that have an entry to keep move together, and only they are multiplied.</summary>
    private void KeepAndMultiply(nint slice, CutBlock<T> x)
    {
        byte* scratch = _memory.Scratch.Take(out int piece);
        nint rows = GemmTile<V, T>.Rows, columns = GemmTile<V, T>.Columns;
        T** to = stackalloc T*[(int)rows];
        for (nint n = 0; n < _tokens; n += columns)
        {
            nint tokens = Math.Min(columns, _tokens - n);
            long* kept = KeptOf(slice, n);
            nint count = CutGradientPasses<V, T>.Keep(x, n, tokens, Factors, kept);
            *CountOf(slice, n) = count;
            Interlocked.Add(ref _kept, (long)count * tokens);
            for (nint i = 0; i < count; i++)
                if (kept[i] != i) new Span<T>(x.At + (nint)kept[i] * Columns + n, (int)columns).CopyTo(new(x.At + i * Columns + n, (int)columns));
            for (nint d = 0; d < _task.Features && _run.Gradients.Weight != 0; d += columns)
            {
                for (nint row = 0; row < count; row += rows)
                {
                    nint some = Math.Min(rows, count - row);
                    for (nint i = 0; i < some; i++) to[i] = WeightGradientOf(x.First + (nint)kept[row + i]) + d;
                    MultiplyRows(x.At + row * Columns + n, some, d, n, tokens, to, (T*)scratch + _memory.Scrap, add: true);
                }
            }
        }
        _memory.Scratch.Give(piece);
    }

    private long* KeptOf(nint slice, nint token) => _memory.Kept + token / GemmTile<V, T>.Columns * _plan.Stretch + slice * _plan.Slice;

    private long* CountOf(nint slice, nint token) => _memory.KeptCounts + token / GemmTile<V, T>.Columns * Math.Max(1, _plan.Stretch / _plan.Slice) + slice;

    /// <summary>Adds this stretch to the input's gradient: some panels of features, and some tokens.</summary>
    private void InputGradient(nint unit)
    {
        byte* scratch = _memory.Scratch.Take(out int piece);
        nint columns = GemmTile<V, T>.Columns, parts = TokenParts, groups = InputUnits / parts, panels = _plan.Width / columns, pieces = Columns / columns;
        nint group = unit / parts, part = unit % parts;
        nint low = panels * group / groups, high = panels * (group + 1) / groups;
        nint first = pieces * part / parts * columns, end = pieces * (part + 1) / parts * columns;
        if (_from == 0)
        {
            for (nint token = first; token < end; token++)
                new Span<T>(_memory.InputGradient + token * _plan.Width + low * columns, (int)((high - low) * columns)).Clear();
        }
        for (nint panel = low; panel < high; panel += CutChunk.Group)
        {
            nint some = Math.Min(CutChunk.Group, high - panel);
            if (Filters) AddKept(panel, some, first, end, (T*)scratch);
            else AddWhole(panel, some, first, end, (T*)scratch);
        }
        _memory.Scratch.Give(piece);
    }

    private void AddWhole(nint panel, nint panels, nint first, nint end, T* packed)
    {
        nint columns = GemmTile<V, T>.Columns, d = panel * columns, width = Math.Min(panels * columns, _task.Features - d);
        for (nint v = 0; v < _classes; v += CutPlan.Depth)
        {
            nint depth = Math.Min(CutPlan.Depth, _classes - v);
            Cache.PrefetchAll(_logits + v * Columns, depth * Columns * sizeof(T));
            GemmPanel<V, S, T, M>.Pack((S*)_task.Weight + (_from + v) * _task.Features + d, _task.Features, null, depth, width, packed);
            AddTiles(_logits + v * Columns, packed, depth, d, panels, first, end);
        }
    }

    private void AddKept(nint panel, nint panels, nint first, nint end, T* packed)
    {
        nint columns = GemmTile<V, T>.Columns, d = panel * columns, width = Math.Min(panels * columns, _task.Features - d);
        for (nint n = first; n < Math.Min(end, _tokens); n += columns)
        {
            for (nint slice = 0; slice < Slices; slice++)
            {
                CutBlock<T> x = Block(slice, _plan.Slice);
                nint count = (nint)(*CountOf(slice, n));
                for (nint k = 0; k < count; k += CutPlan.Depth)
                {
                    nint depth = Math.Min(CutPlan.Depth, count - k);
                    GemmPanel<V, S, T, M>.Pack((S*)_task.Weight + x.First * _task.Features + d, _task.Features, KeptOf(slice, n) + k, depth, width, packed);
                    AddTiles(x.At + k * Columns, packed, depth, d, panels, n, n + columns);
                }
            }
        }
    }

    /// <summary>Adds the product of some classes' gradients with their packed weights.</summary>
    private void AddTiles(T* g, T* packed, nint depth, nint d, nint panels, nint first, nint end)
    {
        nint rows = GemmTile<V, T>.Rows, columns = GemmTile<V, T>.Columns;
        T** to = stackalloc T*[(int)rows];
        for (nint panel = 0; panel < panels; panel++)
        {
            T* b = packed + panel * GemmPanel<V, S, T, M>.Size(depth);
            for (nint token = first; token < end; token += rows)
            {
                for (nint i = 0; i < rows; i++) to[i] = token + i < end ? _memory.InputGradient + (token + i) * _plan.Width + d + panel * columns : packed + _memory.Scrap;
                GemmTile<V, T>.Run(g + token, 1, Columns, Math.Min(rows, end - token), 0, b, b, depth, to, add: true);
            }
        }
    }
}
