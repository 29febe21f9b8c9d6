namespace TorchSharpSoftmax.Kernels;

/// <summary>How a long row is cut: by its length alone, never by the number of threads.</summary>
internal static class RowBlocks
{
    /// <summary>Elements of a block, at least.</summary>
    private const nint LeastSize = 1 << 17;

    /// <summary>No row has more blocks.</summary>
    internal const int Most = 1 << 10;

    /// <summary>Elements of each block but the last.</summary>
    internal static nint Size(nint length) => length <= LeastSize * Most ? LeastSize : (length / Most + 1 + 1023) & ~(nint)1023;

    internal static nint Count(nint length) => (length - 1) / Size(length) + 1;

    /// <summary>Where some of a row's blocks begin, and how many elements they have together.</summary>
    internal static (nint At, nint Count) Range(nint first, nint end, nint length)
    {
        nint at = first * Size(length);
        return (at, Math.Min(end * Size(length), length) - at);
    }

    /// <summary>Whether so few rows are so long that threads had better share each.</summary>
    internal static bool AreShared(nint rows, nint length, int threads) => threads > 1 && rows < 2 * threads && Count(length) > 1;
}
