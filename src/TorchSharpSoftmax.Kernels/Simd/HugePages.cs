using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Asks Linux for 2 MiB pages under large fresh memory, an output or the working memory of a call, before it is touched.</summary>
/// <remarks>A fresh output of 64 MiB costs 16,384 page faults otherwise, several times the arithmetic. Elsewhere this does nothing.</remarks>
internal static unsafe partial class HugePages
{
    /// <summary>Bytes from which malloc may have to take memory from the system anew: always from 32 MiB on, and before that where its heap has shrunk.</summary>
    internal const long Threshold = 4L << 20;

    private const nuint Page = 2 << 20;
    private const int MadviseHugePage = 14;

    /// <summary>For the whole pages of memory of at least so many bytes.</summary>
    internal static void Advise(byte* start, nint bytes)
    {
        if (bytes < Threshold || !OperatingSystem.IsLinux()) return;
        nuint first = ((nuint)start + Page - 1) & ~(Page - 1);
        nuint end = ((nuint)start + (nuint)bytes) & ~(Page - 1);
        if (end > first) _ = madvise((void*)first, end - first, MadviseHugePage); // advice: a system that cannot follow says no, and nothing changes
    }

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int madvise(void* address, nuint length, int advice);
}
