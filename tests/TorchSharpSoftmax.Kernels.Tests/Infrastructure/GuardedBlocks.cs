namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The kernels' working memory between guard pages, each part by itself: its end lies against the page behind it, but for what alignment to a cache line leaves.</summary>
internal sealed unsafe class GuardedBlocks : IBlockSource, IDisposable
{
    private const nint Line = 64;
    private const byte Pattern = 0x5A;

    private readonly Dictionary<nint, (GuardedPages Pages, nint End)[]> _taken = [];

    /// <summary>How many blocks were taken.</summary>
    internal int Count { get; private set; }

    /// <summary>For the calls of this thread, until it is disposed.</summary>
    internal static GuardedBlocks Enter()
    {
        var blocks = new GuardedBlocks();
        Block.Source = blocks;
        return blocks;
    }

    public void* Take(Span<nint> parts)
    {
        var pages = new (GuardedPages Pages, nint End)[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            nint bytes = parts[i], room = (bytes + Line - 1) & ~(Line - 1);
            var own = new GuardedPages((nuint)room);
            new Span<byte>(own.First, checked((int)(own.End - own.First))).Fill(Pattern); // no kernel may count on zeros
            parts[i] = (nint)(own.End - room);
            pages[i] = (own, parts[i] + bytes);
        }

        Count++;
        nint block = Count; // no address: nobody may use it as one
        _taken.Add(block, pages);
        return (void*)block;
    }

    public void Give(void* block)
    {
        Assert.True(_taken.Remove((nint)block, out var pages), "A block was given back that was not taken.");
        foreach (var (own, end) in pages)
        {
            Assert.False(new Span<byte>((void*)end, (int)(own.End - (byte*)end)).ContainsAnyExcept(Pattern), "A kernel wrote behind its working memory.");
            own.Dispose();
        }
    }

    public void Dispose()
    {
        Block.Source = null;
        Assert.Empty(_taken);
    }
}
