using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Hints to the caches.</summary>
internal static unsafe class Cache
{
    /// <summary>Bytes from which on an output is streamed past the caches: half of a common last-level cache.</summary>
    internal const long StreamFromBytes = 16L << 20;

    [ThreadStatic] private static long? _forced;

    /// <summary>How far ahead a pass asks for its input, in bytes: what memory delivers in the 100 ns or more that it takes to answer.</summary>
    internal const int Ahead = 8192;

    /// <summary>Whether an output of so many elements is streamed: it is large, and lies so that some element of it begins a vector.</summary>
    internal static bool Streams<S>(S* output, double elements) where S : unmanaged =>
        elements * sizeof(S) >= (_forced ?? StreamFromBytes) && (nint)output % sizeof(S) == 0;

    /// <summary>Outputs of so many bytes are streamed by kernels called from this thread, until the result is disposed.</summary>
    internal static IDisposable StreamFrom(long bytes)
    {
        var previous = new Forced(_forced);
        _forced = bytes;
        return previous;
    }

    private sealed class Forced(long? previous) : IDisposable
    {
        public void Dispose() => _forced = previous;
    }

    /// <summary>Asks for the line that lies <see cref="Ahead"/> of p; any address is allowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Prefetch(void* p)
    {
        if (Sse.IsSupported) Sse.Prefetch0((byte*)p + Ahead);
    }

    /// <summary>Asks for the line of p itself; any address is allowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void PrefetchHere(void* p)
    {
        if (Sse.IsSupported) Sse.Prefetch0(p);
    }

    /// <summary>Asks for the line of p itself, for the second-level cache; any address is allowed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void PrefetchNear(void* p)
    {
        if (Sse.IsSupported) Sse.Prefetch1(p);
    }

    /// <summary>Asks for so many bytes, for the second-level cache.</summary>
    internal static void PrefetchAll(void* p, nint bytes)
    {
        for (nint i = 0; i < bytes; i += 64) PrefetchNear((byte*)p + i);
    }

    /// <summary>Asks for the lines of two vectors, each line once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void PrefetchTwo<V, S, T>(S* x)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged
    {
        Prefetch(x);
        if (V.Count * sizeof(S) >= 64) Prefetch(x + V.Count);
    }

    /// <summary>Asks for the lines of four vectors, each line once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void PrefetchFour<V, S, T>(S* x)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged
    {
        PrefetchTwo<V, S, T>(x);
        if (V.Count * sizeof(S) >= 32) PrefetchTwo<V, S, T>(x + 2 * V.Count);
    }

    /// <summary>Makes streamed stores visible before whatever this thread does next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void StreamFence()
    {
        if (Sse.IsSupported) Sse.StoreFence();
    }

    /// <summary>Elements before p is aligned to so many bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static nint Head<S>(S* p, int bytes) where S : unmanaged => (nint)(-(long)p & (bytes - 1)) / sizeof(S);
}
