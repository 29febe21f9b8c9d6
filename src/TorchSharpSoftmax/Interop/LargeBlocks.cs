using System.Runtime.InteropServices;

namespace TorchSharpSoftmax;

/// <summary>What <see cref="LargeBlocks"/> met.</summary>
public enum LargeBlocksOutcome
{
    /// <summary>The GNU C library's malloc serves this process, and has taken the setting.</summary>
    Glibc,

    /// <summary>The GNU C library's malloc serves this process, and has refused the setting.</summary>
    GlibcRefused,

    /// <summary>A Linux process with another allocator, such as tcmalloc, jemalloc or musl's: nothing was changed. They mostly keep large blocks anyway.</summary>
    OtherAllocator,

    /// <summary>Not Linux: nothing was changed.</summary>
    OtherSystem,
}

/// <summary>Keeps large freed blocks of native memory for the next tensor, instead of giving them back to the system. Opt-in, for the whole process.</summary>
/// <remarks>
/// malloc takes a block of 32 MiB or more from the system and gives it back at the free, every time; the page faults of a fresh output then cost several times its
/// softmax. A training loop that makes the same large tensors again and again is served by keeping them, libtorch's operators as much as ours. The price: memory
/// once used stays with the process, and it may fragment. Because of malloc's own caches about ten blocks of a size are taken before the first is used again.
/// </remarks>
public static unsafe partial class LargeBlocks
{
    private const int TrimThreshold = -1, MmapMax = -4, ArenaMax = -8;
    private const int DefaultMmapMax = 65536, DefaultTrimThreshold = 128 << 10;

    /// <summary>Keeps large freed blocks from now on.</summary>
    /// <remarks>Call it first in the program: the limit to one arena, without which other threads keep nothing, holds only from before their first allocation.</remarks>
    public static LargeBlocksOutcome Keep() => Set((MmapMax, 0), (TrimThreshold, -1), (ArenaMax, 1));

    /// <summary>Goes back to glibc's defaults, and gives the system what is free. The limit to one arena stays once it was in force.</summary>
    public static LargeBlocksOutcome GiveBack()
    {
        var outcome = Set((MmapMax, DefaultMmapMax), (TrimThreshold, DefaultTrimThreshold), (ArenaMax, 0));
        if (outcome == LargeBlocksOutcome.Glibc)
        {
            _ = malloc_trim(0);
        }

        return outcome;
    }

    private static LargeBlocksOutcome Set(params ReadOnlySpan<(int Parameter, int Value)> settings)
    {
        if (!OperatingSystem.IsLinux())
        {
            return LargeBlocksOutcome.OtherSystem;
        }

        if (!GlibcServesMalloc())
        {
            return LargeBlocksOutcome.OtherAllocator;
        }

        foreach (var (parameter, value) in settings)
        {
            if (mallopt(parameter, value) == 0)
            {
                return LargeBlocksOutcome.GlibcRefused;
            }
        }

        return LargeBlocksOutcome.Glibc;
    }

    /// <summary>A preloaded or linked allocator shows as another <c>malloc</c> than glibc's own where the program looks it up.</summary>
    private static bool GlibcServesMalloc() =>
        NativeLibrary.TryLoad("libc.so.6", out nint libc)
        && NativeLibrary.TryGetExport(libc, "gnu_get_libc_version", out _)
        && NativeLibrary.TryGetExport(libc, "malloc", out nint own)
        && NativeLibrary.TryGetExport(NativeLibrary.GetMainProgramHandle(), "malloc", out nint used)
        && own == used;

    [LibraryImport("libc.so.6")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int mallopt(int parameter, int value);

    [LibraryImport("libc.so.6")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int malloc_trim(nuint pad);
}
