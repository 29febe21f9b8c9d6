using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Where tests let working memory come from: each part between pages that nobody may touch.</summary>
internal unsafe interface IBlockSource
{
    /// <summary>As <see cref="Block.Take"/>.</summary>
    void* Take(Span<nint> parts);

    /// <summary>As <see cref="Block.Give"/>.</summary>
    void Give(void* block);
}

/// <summary>The working memory of a call: one block, cut into parts that begin at a cache line.</summary>
internal static unsafe class Block
{
    /// <summary>For what this thread takes and gives back; null outside of tests.</summary>
    [ThreadStatic] internal static IBlockSource? Source;

    private const nint Line = 64;

    /// <summary>Parts of so many bytes become addresses; the answer is what <see cref="Give"/> takes.</summary>
    internal static void* Take(Span<nint> parts, nint alignment = Line)
    {
        if (Source is { } source) return source.Take(parts);
        nint all = 0;
        foreach (nint bytes in parts) all += UpToLine(bytes);
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)all, (nuint)alignment), at = block;
        for (int i = 0; i < parts.Length; i++)
        {
            nint bytes = UpToLine(parts[i]);
            parts[i] = (nint)at;
            at += bytes;
        }
        HugePages.Advise(block, all);
        return block;
    }

    /// <summary>All parts at once.</summary>
    internal static void Give(void* block)
    {
        if (Source is { } source) source.Give(block);
        else NativeMemory.AlignedFree(block);
    }

    private static nint UpToLine(nint bytes) => (bytes + Line - 1) & ~(Line - 1);
}
