namespace TorchSharpSoftmax.Kernels;

/// <summary>What a thread needs while it works: its scratch buffer, or for very many experts memory of the call.</summary>
internal unsafe ref struct GateMemory
{
    private const nint Alignment = 64;
    private readonly byte* _own;
    private byte* _next;

    internal GateMemory(nint bytes)
    {
        bool fits = bytes <= Scratch.Bytes && Block.Source is null;
        Span<nint> own = [bytes];
        _own = fits ? null : (byte*)Block.Take(own);
        _next = fits ? Scratch.Of<byte>() : (byte*)own[0];
    }

    /// <summary>What so many elements take.</summary>
    internal static nint Bytes<T>(nint count) where T : unmanaged => (count * sizeof(T) + Alignment - 1) & ~(Alignment - 1);

    /// <summary>The next array, aligned to a cache line.</summary>
    internal T* Take<T>(nint count) where T : unmanaged
    {
        byte* at = _next;
        _next += Bytes<T>(count);
        return (T*)at;
    }

    public readonly void Dispose()
    {
        if (_own != null) Block.Give(_own);
    }
}
