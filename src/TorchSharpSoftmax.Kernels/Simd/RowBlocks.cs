namespace TorchSharpSoftmax.Kernels;

/// <summary>How a long row is cut: by its length alone, never by the number of threads.</summary>
internal static class RowBlocks
{
    private const nint Least = 1 << 17;
    internal const int Most = 1 << 10;

    internal static nint Size(nint length) => length <= Least * Most ? Least : (length / Most + 1 + 1023) & ~(nint)1023;

    internal static nint Count(nint length) => (length - 1) / Size(length) + 1;
}
