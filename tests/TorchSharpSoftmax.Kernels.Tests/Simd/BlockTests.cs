using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The working memory of calls.</summary>
public sealed unsafe partial class BlockTests
{
    private const nint Small = 3 << 20, Large = 40 << 20;

    [Fact]
    public void Nobody_else_writes_to_what_is_taken()
    {
        const int Threads = 4, Rounds = 200;
        Parallel.For(0, Threads, new() { MaxDegreeOfParallelism = Threads }, thread =>
        {
            var random = new Random(thread);
            for (int round = 0; round < Rounds; round++)
            {
                int words = random.Next(1, (int)Small / 8), more = round % 50 == 0 ? (int)Large / 8 : random.Next(1000);
                Span<nint> parts = [(nint)words * 8, (nint)more * 8];
                void* block = Block.Take(parts);
                Span<long> first = new((void*)parts[0], words), second = new((void*)parts[1], more);
                first.Fill(thread);
                second.Fill(~thread);
                Thread.Yield();
                Assert.False(first.ContainsAnyExcept(thread));
                Assert.False(second.ContainsAnyExcept(~thread));
                Assert.Equal(0, (parts[0] | parts[1]) & 63);
                Block.Give(block);
            }
        });
    }

    /// <summary>Where malloc gives everything back that is free, as it does by itself where large memory comes and goes.</summary>
    [Fact]
    public void Small_memory_is_there_for_the_next_call_and_large_memory_goes_back()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Page faults are counted in /proc.");
        const long Pages = Small / 4096;
        long[] small = [.. Enumerable.Range(0, 20).Select(_ => Faults(Small))], large = [.. Enumerable.Range(0, 5).Select(_ => Faults(Large))];

        // Other tests take and give at the same time: now and then one of them has what is kept.
        Assert.True(small.Count(faults => faults < Pages / 4) > 5, $"Faults: {string.Join(' ', small)}.");
        Assert.All(large, faults => Assert.InRange(faults, Large / (2 << 20) - 2, long.MaxValue));
    }

    private static long Faults(nint bytes)
    {
        Span<nint> parts = [bytes];
        long before = OfThisThread();
        void* block = Block.Take(parts);
        new Span<byte>((void*)parts[0], (int)bytes).Fill(1);
        long faults = OfThisThread() - before;
        Block.Give(block);
        _ = malloc_trim(0);
        return faults;
    }

    private static long OfThisThread()
    {
        string stat = File.ReadAllText("/proc/thread-self/stat");
        return long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[7], System.Globalization.CultureInfo.InvariantCulture);
    }

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int malloc_trim(nuint pad);
}
