using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The gate of chunks of tokens, as many at once as lanes. What is summed over tokens is summed chunk by chunk, however many threads there are.</summary>
internal readonly unsafe struct GateForward(GateTask task, GateSums sums) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        using var batch = new Batch<V, S, T, M>(task);
        for (nint chunk = first; chunk < end; chunk++) batch.Chunk(sums.First(chunk), sums.First(chunk + 1), sums.Counts(chunk), sums.Means(chunk));
    }

    /// <summary>As many tokens as lanes, and where they are worked on.</summary>
    private readonly ref struct Batch<V, S, T, M>
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        private readonly GateMemory _memory;
        private readonly GateTask _task;
        private readonly S* _raw;
        private readonly T* _columns, _choice, _values, _places, _sums, _groupValues, _groupPlaces, _groupScores;
        private readonly GateLanes<T> _lanes;

        internal Batch(in GateTask task)
        {
            _task = task;
            nint w = V.Count, columns = task.Shape.Experts * w, list = task.Shape.Kept * w, groups = IsGrouped(task.Rule) ? task.Rule.Groups * w : 0;
            nint choice = IsSigmoid(task.Rule) ? columns : 0, sums = task.Mean == null ? 0 : columns, raw = typeof(S) == typeof(T) ? 0 : columns;
            _memory = new(
                GateMemory.Bytes<T>(columns) + GateMemory.Bytes<T>(choice) + GateMemory.Bytes<T>(sums) + GateMemory.Bytes<S>(raw)
                + 2 * GateMemory.Bytes<T>(list) + 3 * GateMemory.Bytes<T>(groups) + GateMemory.Bytes<T>(GateLanes<T>.Fields * w));
            _columns = _memory.Take<T>(columns);
            _choice = _memory.Take<T>(choice);
            _sums = _memory.Take<T>(sums);
            _raw = _memory.Take<S>(raw);
            _values = _memory.Take<T>(list);
            _places = _memory.Take<T>(list);
            _groupValues = _memory.Take<T>(groups);
            _groupPlaces = _memory.Take<T>(groups);
            _groupScores = _memory.Take<T>(groups);
            _lanes = new(_memory.Take<T>(GateLanes<T>.Fields * w), w);
            for (nint i = 0; i < sums; i++) _sums[i] = T.Zero;
        }

        public void Dispose() => _memory.Dispose();

        internal void Chunk(nint first, nint end, long* counts, double* means)
        {
            for (nint at = first; at < end;)
            {
                nint stop = Math.Min(end, at + GateSums.TokensPerFold);
                for (; at < stop; at += V.Count) Tokens(at, Math.Min(V.Count, stop - at), counts);
                at = stop;
                if (_task.Mean != null) GatePasses<V, T>.Fold(_sums, _task.Shape.Experts, means);
            }
        }

        private void Tokens(nint at, nint tokens, long* counts)
        {
            nint n = _task.Shape.Experts, k = _task.Shape.Kept;
            GateColumns<V, S, T, M>.Load((S*)_task.Logits + at * n, n, tokens, _columns, _raw);
            for (nint lane = 0; lane < V.Count; lane++) _lanes.Live[lane] = lane < tokens ? T.One : T.Zero;
            if (IsSigmoid(_task.Rule)) Sigmoid(n, k);
            else Softmax(n, k);
            GatePasses<V, T>.Scatter(_values, _places, k, tokens, (T*)_task.Weights + at * k, _task.Indices + at * k, counts);
            Write(at, tokens);
        }

        private void Softmax(nint n, nint k)
        {
            bool renormalizes = _task.Rule.Mode != TopKGateMode.Softmax;
            GateSelect<V, T>.Run(_columns, n, k, _values, _places, _lanes.Bad);
            if (!renormalizes || IsWanted)
            {
                V.Store(V.Load(_values), _lanes.Top);
                if (_task.Mean != null) GatePasses<V, T>.Exponentials<Yes>(_columns, n, _lanes);
                else GatePasses<V, T>.Exponentials<No>(_columns, n, _lanes);
            }
            if (renormalizes) GatePasses<V, T>.Weigh<Yes>(_values, k, _lanes);
            else GatePasses<V, T>.Weigh<No>(_values, k, _lanes);
            if (_task.Mean != null) GatePasses<V, T>.Add(_columns, n, _lanes.Share, _lanes.Live, _sums);
        }

        private void Sigmoid(nint n, nint k)
        {
            GateRule rule = _task.Rule;
            if (IsWanted)
            {
                GateSelect<V, T>.Run(_columns, n, 1, _lanes.Top, _lanes.Place, _lanes.Bad);
                GatePasses<V, T>.Exponentials<No>(_columns, n, _lanes);
            }
            GateSigmoidPasses<V, T>.Scores(_columns, n, (T*)_task.Bias, _choice, _lanes);
            if (IsGrouped(rule))
            {
                nint size = n / rule.Groups;
                GateSigmoidPasses<V, T>.GroupScores(_choice, rule.Groups, size, _groupScores);
                GateSelect<V, T>.Run(_groupScores, rule.Groups, rule.KeptGroups, _groupValues, _groupPlaces, _lanes.Value);
                GateSigmoidPasses<V, T>.Mask(_choice, rule.Groups, size, _groupPlaces, rule.KeptGroups);
            }
            GateSelect<V, T>.Run(_choice, n, k, _values, _places, _lanes.Value);
            GateSigmoidPasses<V, T>.Gather(_columns, _places, k, _values);
            GateSigmoidPasses<V, T>.Weigh(_values, k, rule.Scale, _lanes.Bad);
            if (_task.Mean != null) GatePasses<V, T>.Add(_columns, n, _lanes.Rate, _lanes.Live, _sums);
        }

        private void Write(nint at, nint tokens)
        {
            if (_task.Lse != null)
            {
                GatePasses<V, T>.Logarithms(_lanes);
                V.StorePart(V.Load(_lanes.Lse), (T*)_task.Lse + at, tokens);
            }
            if (_task.State == null) return;
            var state = new GateState<T>(_task.State, _task.Shape.Tokens);
            V.StorePart(V.Load(_lanes.Top), state.Top + at, tokens);
            V.StorePart(V.Load(_lanes.Share), state.Share + at, tokens);
            if (IsSigmoid(_task.Rule)) V.StorePart(V.Load(_lanes.Rate), state.Rate + at, tokens);
        }

        /// <summary>Whether anything is asked for that takes every logit's exponential.</summary>
        private bool IsWanted => _task.Lse != null || _task.Mean != null || _task.State != null;

        private static bool IsSigmoid(in GateRule rule) => rule.Mode == TopKGateMode.Sigmoid;

        private static bool IsGrouped(in GateRule rule) => IsSigmoid(rule) && rule.KeptGroups < rule.Groups;
    }
}
