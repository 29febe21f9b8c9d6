using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The threads of an OpenMP runtime that this process has loaded already: libtorch's own.</summary>
/// <remarks>
/// After its own operators libtorch's threads stay awake for some milliseconds. Threads of another pool would find the cores taken by them, and on one core with the caller
/// they more than double its time; these are awake, and each has a core. Where no such runtime is loaded, as on Windows, macOS or without libtorch, the .NET pool serves.
/// </remarks>
internal static unsafe class OpenMp
{
    /// <summary>void GOMP_parallel(void (*)(void*), void*, unsigned threads, unsigned flags), which Intel's and LLVM's runtimes have too.</summary>
    private static readonly delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void> s_parallel =
        (delegate* unmanaged<delegate* unmanaged<void*, void>, void*, uint, uint, void>)Find();

    internal static bool IsLoaded => s_parallel != null;

    /// <summary>Lets so many threads, or one for each core, execute a job, of which the caller is one, and returns when the last one has.</summary>
    internal static void Run(IThreadPoolWorkItem job, int threads)
    {
        GCHandle handle = GCHandle.Alloc(job);
        s_parallel(&Execute, (void*)GCHandle.ToIntPtr(handle), (uint)Math.Min(threads, Environment.ProcessorCount), 0);
        handle.Free();
    }

    [UnmanagedCallersOnly]
    private static void Execute(void* job) => ((IThreadPoolWorkItem)GCHandle.FromIntPtr((nint)job).Target!).Execute();

    private static nint Find()
    {
        foreach (string line in Mapped())
        {
            int path = line.IndexOf('/', StringComparison.Ordinal);
            if (path < 0 || !IsRuntime(Path.GetFileName(line.AsSpan(path)))) continue;
            if (NativeLibrary.TryLoad(line[path..], out nint library) && NativeLibrary.TryGetExport(library, "GOMP_parallel", out nint parallel)) return parallel;
        }
        return 0;
    }

    /// <summary>A line for each mapped piece of a file; none where the system does not tell, as on other systems and in some sandboxes.</summary>
    private static string[] Mapped()
    {
        try
        {
            return OperatingSystem.IsLinux() ? File.ReadAllLines("/proc/self/maps") : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static bool IsRuntime(ReadOnlySpan<char> file) =>
        file.StartsWith("libgomp", StringComparison.Ordinal) || file.StartsWith("libiomp5", StringComparison.Ordinal) || file.StartsWith("libomp", StringComparison.Ordinal);
}
