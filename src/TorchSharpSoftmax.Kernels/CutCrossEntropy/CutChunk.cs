using System.Numerics;
using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>How work on a chunk is grouped.</summary>
internal static class CutChunk
{
    /// <summary>Panels of features that one thread sums at a time.</summary>
    internal const nint Group = 8;
}

/// <summary>One chunk of tokens after another: its logits stretch by stretch, their sums, the results, and from them the gradients.</summary>
/// <remarks>
/// Work is dealt to threads by parts or slices of classes (logits, sums, the weight's gradient, of which each slice owns its rows) or by features (the input's gradient, whose elements have one
/// owner each); nothing is added up by two threads, so that every sum is made in one order.
/// </remarks>
internal sealed unsafe partial class CutChunk<L, V, S, T, M> : IDisposable
    where L : struct, ICutLink<L, V, T>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private readonly CutRun _run;
    private readonly CutCrossEntropyTask _task;
    private readonly CutPlan _plan;
    private readonly CutMemory<V, S, T> _memory;
    private readonly double _classWeights;
    private readonly double _ofTarget, _ofEach;

    /// <summary>The chunk: its first counted row, and how many.</summary>
    private nint _first, _tokens;

    /// <summary>The stretch: its first class, how many, and their logits.</summary>
    private nint _from, _classes;

    private T* _logits;

    private nint _hits;
    private long _kept;

    internal CutChunk(in CutRun run)
    {
        _run = run;
        _task = run.Task;
        _plan = new(
            _task.Rows, _task.Features, _task.Classes, GemmTile<V, T>.Rows, GemmTile<V, T>.Columns, sizeof(T), whole: run.Phase == CutPhase.Both, filters: run.Filter.Threshold > 0, run.Workspace);
        _memory = new(run, _plan);
        _classWeights = _task.ClassWeight == null ? _task.Classes : SumOf((T*)_task.ClassWeight, _task.Classes);
        (_ofTarget, _ofEach) = (1 - _task.Smoothing, _task.Smoothing / _task.Classes);
    }

    internal long Kept => _kept;

    /// <summary>The chunk's tokens up to whole panels: elements from one class to the next.</summary>
    private nint Columns => CutPlan.UpTo(_tokens, GemmTile<V, T>.Columns);

    private CutFactors<T> Factors => new(_memory.Factors, Columns);

    /// <summary>One target, whose term is left out of the sums: its gradient is then made of the others' share, not of 1 - p.</summary>
    private bool LeavesTargetOut => _task.TargetsPerRow == 1 && _task.Shares == null;

    private bool Filters => _run.Filter.Threshold > 0;

    /// <summary>Whether a gradient is more than factor * probability and single elements.</summary>
    private bool IsGeneral => _task.Softcap > 0 || _task.Smoothing > 0 || _task.Probabilities != null || (_run.Differentiates && _task.WantsEntropy);

    internal void Run()
    {
        if (_run.Gradients.Bias != 0) new Span<double>(_memory.BiasSums, (int)_task.Classes).Clear();
        if (_run.Gradients.Weight != 0 && (Filters || _task.Rows == 0)) NativeMemory.Clear((void*)_run.Gradients.Weight, (nuint)_task.Classes * (nuint)_task.Features * (nuint)sizeof(T));
        if (Saves) BeginSaving();
        for (_first = 0; _first < _task.Rows; _first += _plan.Tokens)
        {
            _tokens = Math.Min(_plan.Tokens, _task.Rows - _first);
            Deal(Work.PackInput, TokenPanels + (_run.Gradients.Weight == 0 ? 0 : FeatureGroups));
            FindHits();
            if (_run.Phase != CutPhase.Backward)
            {
                for (nint token = 0; token < _tokens; token++) _memory.Totals[token] = CutTotals.None;
                for (Stretch(0, _plan.Stretch); _classes > 0; Stretch(_from + _plan.Stretch, _plan.Stretch))
                {
                    Deal(Work.Sum, Parts);
                    Deal(Work.Merge, _tokens);
                    if (Saves) Deal(Work.Save, Parts);
                }
                Finish();
            }
            if (_run.Differentiates) Differentiate();
        }
        for (nint v = 0; _run.Gradients.Bias != 0 && v < _task.Classes; v++) ((T*)_run.Gradients.Bias)[v] = Const.Of<T>(_memory.BiasSums[v]);
    }

    public void Dispose() => _memory.Dispose();

    private void Stretch(nint from, nint classes)
    {
        _from = from;
        _classes = Math.Clamp(_task.Classes - from, 0, classes);
        _logits = _memory.Logits + (_run.Phase == CutPhase.Both ? from * Columns : 0);
    }

    private void Differentiate()
    {
        FindFactors();
        nint step = _run.Phase == CutPhase.Both ? _plan.Step : _plan.Stretch;
        for (Stretch(0, step); _classes > 0; Stretch(_from + step, step))
        {
            Deal(Work.Gradient, Slices);
            if (_run.Gradients.Input != 0) Deal(Work.InputGradient, InputUnits);
        }
        if (_run.Gradients.Input == 0) return;
        Deal(Work.GiveInputGradient, _tokens);
    }

    private nint TokenPanels => Columns / GemmTile<V, T>.Columns;

    private nint FeatureGroups => (_plan.Width / GemmTile<V, T>.Columns + CutChunk.Group - 1) / CutChunk.Group;

    /// <summary>One panel of tokens, or some panels of features.</summary>
    private void PackInput(nint unit)
    {
        nint columns = GemmTile<V, T>.Columns, features = _task.Features;
        if (unit < TokenPanels)
        {
            nint n = unit * columns;
            if (!Restores)
                GemmPanel<V, S, T, M>.PackTransposed((S*)_task.Input, features, _task.RowIndex + _first + n, features, Math.Min(columns, _tokens - n), _memory.InputByToken + n * features);
            return;
        }
        nint d = (unit - TokenPanels) * CutChunk.Group * columns;
        GemmPanel<V, S, T, M>.Pack((S*)_task.Input + d, features, _task.RowIndex + _first, _tokens, Math.Min(CutChunk.Group * columns, features - d), _memory.InputByFeature + d * _tokens);
    }

    private void GiveInputGradient(nint token)
    {
        T* from = _memory.InputGradient + token * _plan.Width;
        S* to = (S*)_run.Gradients.Input + (nint)_task.RowIndex[_first + token] * _task.Features;
        for (nint d = 0; d < _task.Features; d += V.Count) Edge<V, S, T, M>.Store(V.Load(from + d), to + d, _task.Features - d);
    }

    private void FindHits()
    {
        _hits = 0;
        for (nint token = 0; token < _tokens; token++)
        {
            nint row = (_first + token) * _task.TargetsPerRow;
            for (nint k = 0; k < _task.TargetsPerRow; k++)
            {
                long y = _task.Targets[row + k];
                double share = _task.Shares == null ? 1 : _task.Shares[row + k];
                _memory.Hits[_hits++] = new() { Class = y, Token = (int)token, Share = share * ClassWeight(y) };
            }
        }
        new Span<CutHit>(_memory.Hits, (int)_hits).Sort((a, b) => a.Class != b.Class ? a.Class.CompareTo(b.Class) : a.Token.CompareTo(b.Token));
    }

    /// <summary>The targets among some classes.</summary>
    private Span<CutHit> HitsIn(nint first, nint rows)
    {
        nint low = LowerBound(first), high = LowerBound(first + rows);
        return new(_memory.Hits + low, (int)(high - low));
    }

    private nint LowerBound(long y)
    {
        nint low = 0, high = _hits;
        while (low < high)
        {
            nint middle = (low + high) / 2;
            if (_memory.Hits[middle].Class < y) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private double ClassWeight(long y) => _task.ClassWeight == null ? 1 : Const.ToDouble(((T*)_task.ClassWeight)[y]);

    private static double SumOf(T* values, nint count)
    {
        double sum = 0;
        for (nint i = 0; i < count; i++) sum += Const.ToDouble(values[i]);
        return sum;
    }

    private void Deal(Work work, nint units) => Workers.Run<Share>(new(this, work), units, _run.Threads);

    private enum Work
    {
        PackInput,
        Sum,
        Merge,
        Save,
        Gradient,
        InputGradient,
        GiveInputGradient,
    }

    private readonly struct Share(CutChunk<L, V, S, T, M> chunk, Work work) : IWork
    {
        public void Do(nint first, nint end)
        {
            for (nint unit = first; unit < end; unit++)
            {
                switch (work)
                {
                    case Work.PackInput: chunk.PackInput(unit); break;
                    case Work.Sum: chunk.Sum(unit); break;
                    case Work.Merge: chunk.Merge(unit); break;
                    case Work.Save: chunk.Save(unit); break;
                    case Work.Gradient: chunk.Gradient(unit); break;
                    case Work.InputGradient: chunk.InputGradient(unit); break;
                    default: chunk.GiveInputGradient(unit); break;
                }
            }
        }
    }
}
