namespace TorchSharpSoftmax.Kernels;

/// <summary>A small buffer of each thread, kept for its next call; what may need more takes a <see cref="Block"/>.</summary>
internal static unsafe class Scratch
{
    /// <summary>Room for exponentials: a vocabulary's row of floats, and still within a core's second-level cache.</summary>
    internal const int Bytes = 1 << 18;

    /// <summary>Room for what a kernel over columns remembers of each column.</summary>
    internal const int StateBytes = 1 << 15;

    [ThreadStatic] private static byte[]? _buffer;

    /// <summary>The room for exponentials, aligned to a cache line; pinned, and alive as long as its thread.</summary>
    internal static T* Of<T>() where T : unmanaged
    {
        _buffer ??= GC.AllocateUninitializedArray<byte>(Bytes + StateBytes + 64, pinned: true);
        fixed (byte* p = _buffer) return (T*)(((nint)p + 63) & ~(nint)63);
    }

    /// <summary>The room for columns, behind the room for exponentials.</summary>
    internal static T* State<T>() where T : unmanaged => (T*)((byte*)Of<T>() + Bytes);
}
