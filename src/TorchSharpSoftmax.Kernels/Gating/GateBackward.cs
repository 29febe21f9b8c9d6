using System.Numerics;
using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The logits' gradient, some rows at a time: the kept experts' alone where the others have none.</summary>
internal readonly unsafe struct GateBackward(GateBackwardTask task) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        using var batch = new Batch<V, S, T, M>(task);
        for (nint at = first; at < end; at += batch.Rows) batch.Run(at, Math.Min(batch.Rows, end - at));
    }

    /// <summary>Rows that a first-level cache holds, and where they are worked on.</summary>
    private readonly ref struct Batch<V, S, T, M>
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        private const nint Most = 64, Bytes = 1 << 14;
        private readonly GateMemory _memory;
        internal readonly nint Rows;
        private readonly GateBackwardTask _task;
        private readonly T* _rows, _mean, _kept, _slopes, _dots;
        private readonly GateState<T> _state;

        internal Batch(in GateBackwardTask task)
        {
            _task = task;
            nint n = task.Shape.Experts, k = task.Shape.Kept;
            Rows = Math.Clamp(Math.Min(Bytes / (n * sizeof(T)), Bytes / (2 * k * sizeof(T))), 1, Most);
            nint wide = task.IsDense && typeof(S) != typeof(T) ? Rows * n : 0, mean = task.IsDense ? n : 0;
            nint kept = (Rows * k + V.Count - 1) / V.Count * V.Count;
            _memory = new(GateMemory.Bytes<T>(wide) + GateMemory.Bytes<T>(mean) + 2 * GateMemory.Bytes<T>(kept) + GateMemory.Bytes<T>(Rows));
            _rows = _memory.Take<T>(wide);
            _mean = _memory.Take<T>(mean);
            _kept = _memory.Take<T>(kept);
            _slopes = _memory.Take<T>(kept);
            _dots = _memory.Take<T>(Rows);
            _state = new(task.State, task.Shape.Tokens);
            T tokens = Const.Of<T>(task.Shape.Tokens);
            for (nint e = 0; e < mean; e++) _mean[e] = task.MeanGradient == null ? T.Zero : ((T*)task.MeanGradient)[e] / tokens;
            for (nint i = 0; i < kept; i++) _kept[i] = T.Zero;
        }

        public void Dispose() => _memory.Dispose();

        private bool IsSigmoid => _task.Rule.Mode == TopKGateMode.Sigmoid;

        internal void Run(nint at, nint count)
        {
            nint n = _task.Shape.Experts, k = _task.Shape.Kept;
            S* dx = (S*)_task.LogitsGradient + at * n;
            if (IsSigmoid) OfSigmoid(at, count);
            else OfSoftmax(at, count);
            long* index = _task.Indices + at * k;
            if (!_task.IsDense)
            {
                NativeMemory.Clear(dx, (nuint)(count * n * sizeof(S)));
                for (nint row = 0, i = 0; row < count; row++, dx += n)
                {
                    for (nint j = 0; j < k; j++, i++) M.Store(Lane1<T>.Load(_kept + i), dx + index[i]);
                }
                return;
            }
            T* rows = typeof(S) == typeof(T) ? (T*)dx : _rows;
            Dense((S*)_task.Logits + at * n, at, count, rows);
            for (nint row = 0, i = 0; row < count; row++)
            {
                for (nint j = 0; j < k; j++, i++) rows[row * n + index[i]] += _kept[i];
            }
            if (typeof(S) != typeof(T)) GateRows<V, S, T, M>.Store(rows, dx, count * n);
        }

        /// <summary>What the weights' gradient gives each kept logit; in Softmax mode without the part that all logits share, which stays in the dots.</summary>
        private void OfSoftmax(nint at, nint count)
        {
            nint k = _task.Shape.Kept;
            bool shared = _task.Rule.Mode == TopKGateMode.Softmax;
            T* w = (T*)_task.Weights + at * k, dw = (T*)_task.WeightsGradient + at * k, kept = _kept;
            for (nint row = 0; row < count; row++, w += k, dw += k, kept += k)
            {
                T dot = T.Zero;
                for (nint j = 0; j < k; j++) dot += w[j] * dw[j];
                for (nint j = 0; j < k; j++) kept[j] = w[j] * (shared ? dw[j] : dw[j] - dot);
                _dots[row] = shared ? dot : T.Zero;
            }
        }

        private void OfSigmoid(nint at, nint count)
        {
            nint n = _task.Shape.Experts, k = _task.Shape.Kept;
            T* w = (T*)_task.Weights + at * k, dw = (T*)_task.WeightsGradient + at * k, score = _kept, slope = _slopes;
            long* index = _task.Indices + at * k;
            S* x = (S*)_task.Logits + at * n;
            for (nint i = 0; i < count * k; i++) _kept[i] = Lane1<T>.Max(M.Load<Lane1<T>>(x + i / k * n + index[i]));
            GateRows<V, S, T, M>.Slopes(_kept, _slopes, count * k);
            T scale = Const.Of<T>(_task.Rule.Scale);
            for (nint row = 0; row < count; row++, w += k, dw += k, score += k, slope += k)
            {
                T sum = Const.Of<T>(GateRule.Least), dot = T.Zero;
                for (nint j = 0; j < k; j++) (sum, dot) = (sum + score[j], dot + w[j] * dw[j]);
                for (nint j = 0; j < k; j++) score[j] = (scale * dw[j] - dot) / sum * slope[j];
                _dots[row] = T.Zero;
            }
        }

        private void Dense(S* x, nint at, nint count, T* rows)
        {
            nint n = _task.Shape.Experts;
            T* lse = (T*)_task.LseGradient + (_task.LseGradient == null ? 0 : at);
            if (IsSigmoid)
            {
                GateRows<V, S, T, M>.Scores(x, n, count, _state.Rate + at, _mean, rows, _dots);
                GateRows<V, S, T, M>.Combine(rows, n, count, _mean, _dots);
                if (lse != null) GateRows<V, S, T, M>.AddProbabilities(x, n, count, _state.Top + at, _state.Share + at, lse, rows);
                return;
            }
            for (nint row = 0; lse != null && row < count; row++) _dots[row] -= lse[row];
            if (_task.MeanGradient == null)
            {
                GateRows<V, S, T, M>.ProbabilitiesLess(x, n, count, _state.Top + at, _state.Share + at, _dots, rows);
                return;
            }
            GateRows<V, S, T, M>.Probabilities(x, n, count, _state.Top + at, _state.Share + at, _mean, rows, _dots);
            GateRows<V, S, T, M>.Combine(rows, n, count, _mean, _dots);
        }
    }
}
