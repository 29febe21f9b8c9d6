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
/// <remarks>
/// One small block is kept for the next call, of whichever thread: malloc may give it back to the system, and to have a page from there again costs as much as what a kernel computes in it.
/// </remarks>
internal static unsafe class Block
{
    /// <summary>For what this thread takes and gives back; null outside of tests.</summary>
    [ThreadStatic] internal static IBlockSource? Source;

    private const nint Line = 64, Page = 4096, MostKept = 4 << 20;

    private static nint s_kept;

    /// <summary>Parts of so many bytes become addresses; the answer is what <see cref="Give"/> takes.</summary>
    internal static void* Take(Span<nint> parts)
    {
        if (Source is { } source) return source.Take(parts);
        nint all = 0;
        foreach (nint bytes in parts) all += UpToLine(bytes);
        byte* block = OfSize(all), at = block;
        for (int i = 0; i < parts.Length; i++)
        {
            nint bytes = UpToLine(parts[i]);
            parts[i] = (nint)at;
            at += bytes;
        }
        return block;
    }

    /// <summary>All parts at once.</summary>
    internal static void Give(void* block)
    {
        if (Source is { } source) source.Give(block);
        else if (Size(block) > MostKept) Free(block);
        else Free((void*)Interlocked.Exchange(ref s_kept, (nint)block));
    }

    /// <summary>The one that is kept if it is large enough, or a new one; at a page's start, with its size in the page before.</summary>
    private static byte* OfSize(nint bytes)
    {
        void* kept = bytes > MostKept ? null : (void*)Interlocked.Exchange(ref s_kept, 0);
        if (kept != null && Size(kept) >= bytes) return (byte*)kept;
        Free(kept);
        byte* block = (byte*)NativeMemory.AlignedAlloc((nuint)(Page + bytes), (nuint)Page) + Page;
        *(nint*)(block - Page) = bytes;
        HugePages.Advise(block, bytes);
        return block;
    }

    private static nint Size(void* block) => *(nint*)((byte*)block - Page);

    private static void Free(void* block)
    {
        if (block != null) NativeMemory.AlignedFree((byte*)block - Page);
    }

    private static nint UpToLine(nint bytes) => (bytes + Line - 1) & ~(Line - 1);
}
