namespace TorchSharpSoftmax.Kernels;

/// <summary>The logits that filtering may keep, saved by forward so that backward need not compute any.</summary>
/// <remarks>
/// Which they are is told by the sums so far, which only grow: what is below the threshold of those stays below. Where too many would be saved, none are. The logits of targets always are.
/// </remarks>
internal sealed class CutSaved(double threshold)
{
    /// <summary>Of all logits no more than one in so many is saved: then an eighth of their memory.</summary>
    private const long Share = 16;

    private Array?[] _parts = [];
    private long _most, _count;

    /// <summary>Below it nothing is kept.</summary>
    internal double Threshold => threshold;

    /// <summary>Whether backward finds here what it needs.</summary>
    internal bool IsComplete => _parts.Length > 0 && Volatile.Read(ref _count) <= _most;

    /// <summary>Room for so many parts, of so many logits in all.</summary>
    internal void Begin(nint parts, long logits) => (_parts, _most, _count) = (new Array?[parts], logits / Share, 0);

    internal void Save<T>(nint part, ReadOnlySpan<CutEntry<T>> entries) where T : unmanaged
    {
        if (Interlocked.Add(ref _count, entries.Length) <= _most) _parts[part] = entries.ToArray();
    }

    internal ReadOnlySpan<CutEntry<T>> Of<T>(nint part) where T : unmanaged => (CutEntry<T>[]?)_parts[part];
}

/// <summary>A logit, by its place in a part of a chunk.</summary>
internal readonly record struct CutEntry<T>(ushort Row, ushort Token, T Logit) where T : unmanaged;
