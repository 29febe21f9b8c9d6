namespace TorchSharpSoftmax.Kernels;

/// <summary>What forward saves of the logits for a filtered backward, and how backward gets it back.</summary>
internal sealed unsafe partial class CutChunk<L, V, S, T, M>
{
    private bool Saves => _run.Phase == CutPhase.Forward && _run.Saved != null;

    private bool Restores => _run.Phase == CutPhase.Backward && _run.Saved is { IsComplete: true };

    /// <summary>Of all parts of all chunks.</summary>
    private nint PartOf(nint first) => _first / _plan.Tokens * AllParts + first / _plan.Part;

    private nint AllParts => (_task.Classes + _plan.Part - 1) / _plan.Part;

    private void BeginSaving() => _run.Saved!.Begin(((_task.Rows + _plan.Tokens - 1) / _plan.Tokens) * AllParts, (long)_task.Rows * _task.Classes);

    /// <summary>The key from which on a logit may be kept, after the sums so far.</summary>
    private void SetLeast(nint token)
    {
        CutTotals sums = _memory.Totals[token];
        double logSum = sums.Sum == 0 ? double.NegativeInfinity : L.LogOfKey(sums.Key) + Math.Log(sums.Sum);
        Factors.Least[token] = Const.Of<T>(L.KeyAt(logSum + Math.Log(_run.Saved!.Threshold) - 1e-3));
    }

    private void Save(nint part)
    {
        CutBlock<T> x = Block(part, _plan.Part);
        Span<CutHit> hits = HitsIn(x.First, x.Rows);
        nint most = x.Rows * _tokens + hits.Length, count = 0;
        CutEntry<T>[] room = System.Buffers.ArrayPool<CutEntry<T>>.Shared.Rent((int)most);
        fixed (CutEntry<T>* entries = room)
        {
            count = CutPasses<V, T>.Find<L>(x, _tokens, Factors.Least, entries);
            foreach (ref CutHit hit in hits) entries[count++] = new((ushort)(hit.Class - x.First), (ushort)hit.Token, Const.Of<T>(hit.Logit));
            _run.Saved!.Save<T>(PartOf(x.First), new(entries, (int)count));
        }
        System.Buffers.ArrayPool<CutEntry<T>>.Shared.Return(room);
    }

    /// <summary>Logits that were not saved become -infinity: they have no share.</summary>
    private void Restore(CutBlock<T> x)
    {
        new Span<T>(x.At, (int)(x.Rows * Columns)).Fill(Const.Of<T>(double.NegativeInfinity));
        for (nint row = 0; row < x.Rows; row += _plan.Part)
        {
            foreach (ref readonly CutEntry<T> entry in _run.Saved!.Of<T>(PartOf(x.First + row))) x.At[(row + entry.Row) * Columns + entry.Token] = entry.Logit;
        }
    }
}
