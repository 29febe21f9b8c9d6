using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>Keeping large freed blocks is for the start of a program, so it is tried at the start of one: a child process, before the test runner's own code.</summary>
[BestWidthOnly]
public sealed class LargeBlocksTests
{
    private const string ChildVariable = "TORCHSHARPSOFTMAX_TEST_LARGE_BLOCKS";

    [Fact]
    public void Large_blocks_are_kept_on_request_and_given_back_on_request()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Equal(LargeBlocksOutcome.OtherSystem, LargeBlocks.Keep());
            Assert.Equal(LargeBlocksOutcome.OtherSystem, LargeBlocks.GiveBack());
            return;
        }

        string host = Environment.ProcessPath!;
        string[] program = Path.GetFileNameWithoutExtension(host) == "dotnet" ? [typeof(LargeBlocksTests).Assembly.Location] : [];
        var start = new ProcessStartInfo(host, program) { RedirectStandardOutput = true };
        start.Environment[ChildVariable] = "1";
        start.Environment.Remove("TORCHSHARP_STANDIN_STRICT"); // which keeps small blocks of every tensor: sometimes one lies beside each large block, and none is used again
        using var child = Process.Start(start)!;
        string[] said = child.StandardOutput.ReadToEnd().Trim().Split(' ');
        child.WaitForExit();
        Assert.Equal(0, child.ExitCode);
        if (said[0] != nameof(LargeBlocksOutcome.Glibc))
        {
            Assert.Equal(nameof(LargeBlocksOutcome.OtherAllocator), said[0]);
            return;
        }

        var faults = Array.ConvertAll(said[1..], number => long.Parse(number, CultureInfo.InvariantCulture));
        Assert.InRange(faults[0], 0, 1000); // the block is there already, page by page
        Assert.InRange(faults[1], faults[0] + 16, long.MaxValue); // given back: 9,216 pages are fetched anew, fewer where they are large
    }

    [ModuleInitializer]
    internal static void RunAsChild()
    {
        if (Environment.GetEnvironmentVariable(ChildVariable) is not null)
        {
            var outcome = LargeBlocks.Keep();
            for (int i = 0; i < 24; i++)
            {
                TouchAndFree(); // malloc caches the trimmings of the first seven, and reuses a block once it can join it with them
            }

            long kept = FaultsOfTries(TouchAndFree)[0];
            bool same = LargeBlocks.GiveBack() == outcome;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{outcome} {kept} {FaultsOfTries(TouchAndFree)[4]}"));
            Environment.Exit(same ? 0 : 1);
        }
    }

    private static void TouchAndFree()
    {
        using var block = ones(9 << 20); // 36 MiB
    }

    /// <summary>Of eight tries, the fewest first: where the allocator puts a block is not the same each time.</summary>
    private static long[] FaultsOfTries(Action action) => [.. Enumerable.Range(0, 8).Select(_ => FaultsOf(action)).Order()];

    private static long FaultsOf(Action action)
    {
        long before = Faults();
        action();
        return Faults() - before;

        static long Faults()
        {
            string stat = File.ReadAllText("/proc/self/stat");
            return long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[7], CultureInfo.InvariantCulture);
        }
    }
}
