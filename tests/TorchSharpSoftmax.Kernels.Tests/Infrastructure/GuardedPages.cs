using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Pages from the system, the one before and the one behind them forbidden to read and to write.</summary>
internal sealed unsafe partial class GuardedPages : IDisposable
{
    private const int ReadWrite = 3, PrivateAnonymous = 0x22, PrivateAnonymousOnMac = 0x1002;
    private const int CommitAndReserve = 0x3000, Release = 0x8000, PageReadWrite = 4, PageNoAccess = 1;

    /// <summary>Small ones are used again: a call of the system and new pages cost more than most tests' work. What was in them stays, as in any working memory.</summary>
    private const nuint LargestKept = 1 << 20;

    private static readonly ConcurrentDictionary<nuint, ConcurrentBag<nint>> s_kept = new();

    private readonly byte* _map;
    private readonly nuint _mapped;

    internal GuardedPages(nuint bytes)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        nuint usable = (bytes + page - 1) / page * page;
        _mapped = usable + (2 * page);
        if (s_kept.TryGetValue(_mapped, out ConcurrentBag<nint>? kept) && kept.TryTake(out nint map))
        {
            _map = (byte*)map;
            return;
        }

        if (OperatingSystem.IsWindows())
        {
            _map = VirtualAlloc(null, _mapped, CommitAndReserve, PageReadWrite);
            Require(_map != null);
            Require(VirtualProtect(_map, page, PageNoAccess, out _) != 0);
            Require(VirtualProtect(_map + page + usable, page, PageNoAccess, out _) != 0);
        }
        else
        {
            _map = Map(null, _mapped, ReadWrite, OperatingSystem.IsMacOS() ? PrivateAnonymousOnMac : PrivateAnonymous, -1, 0);
            Require((nint)_map != -1);
            Require(Protect(_map, page, 0) == 0);
            Require(Protect(_map + page + usable, page, 0) == 0);
        }
    }

    /// <summary>The first byte that may be touched.</summary>
    internal byte* First => _map + Environment.SystemPageSize;

    /// <summary>The first byte behind that may not.</summary>
    internal byte* End => _map + _mapped - Environment.SystemPageSize;

    public void Dispose()
    {
        if (_mapped <= LargestKept)
        {
            s_kept.GetOrAdd(_mapped, _ => []).Add((nint)_map);
            return;
        }

        Require(OperatingSystem.IsWindows() ? VirtualFree(_map, 0, Release) != 0 : Unmap(_map, _mapped) == 0);
    }

    private static void Require(bool done)
    {
        if (!done)
        {
            throw new InvalidOperationException($"The system refused guarded memory (error {Marshal.GetLastPInvokeError()}).");
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial byte* Map(byte* address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(byte* address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(byte* address, nuint bytes);

    [LibraryImport("kernel32", EntryPoint = "VirtualAlloc", SetLastError = true)]
    private static partial byte* VirtualAlloc(byte* address, nuint bytes, int type, int protection);

    [LibraryImport("kernel32", EntryPoint = "VirtualProtect", SetLastError = true)]
    private static partial int VirtualProtect(byte* address, nuint bytes, int protection, out int old);

    [LibraryImport("kernel32", EntryPoint = "VirtualFree", SetLastError = true)]
    private static partial int VirtualFree(byte* address, nuint bytes, int type);
}
