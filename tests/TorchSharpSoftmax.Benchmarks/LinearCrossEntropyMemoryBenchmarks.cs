using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>Who differentiates a head how often, and for which upstream gradients.</summary>
internal sealed record MemoryCase(string Name, Head Head, bool IsTorch, double[] Upstream, LinearCrossEntropyMode Mode = LinearCrossEntropyMode.Auto) : ICase
{
    public double Units => 1;

    /// <summary>It is the same every time.</summary>
    public int MostRounds => 1;

    /// <summary>Computed from its tensors, since the machine may not hold them.</summary>
    public bool IsComputed => Upstream.Length == 0;

    public override string ToString() =>
        $"{Name}, {Head}" + (IsComputed ? ": computed, not run" : ", upstream " + string.Join(", then ", Upstream.Select(upstream => upstream.ToString(CultureInfo.InvariantCulture))));
}

/// <summary>How much memory a head's step takes beyond what has to be there, each in a process of its own.</summary>
internal static class LinearCrossEntropyMemory
{
    /// <summary>What makes this program a child that measures one row.</summary>
    internal const string Flag = "--measure-memory";

    internal static readonly Table Table = new(
        "linear-cross-entropy",
        "Memory of linear_cross_entropy, forward and backward, in MiB: how far the resident memory of a process of its own rises above what it is with the inputs, their gradients and one more "
        + "of each gradient in place, as a second backward has it before it is added to the first one's. The graph is retained for that. A first backward that does without, because nothing "
        + "copies its gradients, stays below what was in place. The processes run with a fixed threshold of malloc (GLIBC_TUNABLES=glibc.malloc.mmap_threshold=131072), "
        + "so that only what is in use is counted: as it comes, glibc keeps some 13 MiB of what was freed here, whoever freed it.",
        Before, "in place before",
    [
        new Amount("more, first backward", First, "0"),
        new Amount("more, second backward", Second, "0"),
        new Amount(AtPeak, Peak, "0"),
    ], Cases: "who, tokens x features x classes",
        Excerpt: new("Memory of linear_cross_entropy, forward and backward, in MiB, beside inputs and their gradients", row => !row.Contains("0.25", StringComparison.Ordinal), AtPeak),
        Measure: Measure, TimeFormat: "0");

    private const string Before = "before", First = "first", Second = "second", Peak = "peak", AtPeak = "the whole process at its peak";
    private const string Ours = "ours", Recomputed = "ours, recomputed in backward", Torch = "libtorch";

    private static readonly Head Large = new(8192, 256, 256000);

    private static readonly MemoryCase[] Cases =
    [
        new(Torch, Head.Common, true, [1, 1]),
        new(Ours, Head.Common, false, [1, 1]),
        new(Ours, Head.Common, false, [0.25, 0.25]),
        new(Ours, Head.Common, false, [1, 0.25]),
        new(Recomputed, Head.Common, false, [1, 1], LinearCrossEntropyMode.Recompute),
        new(Recomputed, Head.Common, false, [0.25, 0.25], LinearCrossEntropyMode.Recompute),
        new(Ours, Large, false, [1]),
        new(Torch, Large, true, []),
    ];

    private static IEnumerable<Measurement> Measure(int round, Func<ICase, bool> wanted) =>
        from row in Cases
        where wanted(row) && (row.IsComputed || OperatingSystem.IsLinux())
        from amount in row.IsComputed ? Computed(row) : InChild(row)
        select new Measurement(typeof(LinearCrossEntropyMemory), row, amount.Variant, round, amount.MiB);

    /// <summary>Inputs and gradients; logits, their gradient and the logarithms of the probabilities between the two.</summary>
    private static IEnumerable<(string Variant, double MiB)> Computed(MemoryCase row)
    {
        Head head = row.Head;
        double floats = (2.0 * ((head.Tokens * head.Features) + (head.Classes * head.Features))) + (3.0 * head.Tokens * head.Classes);
        return [(Peak, floats * sizeof(float) / (1 << 20))];
    }

    private static IEnumerable<(string Variant, double MiB)> InChild(MemoryCase row)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add(typeof(LinearCrossEntropyMemory).Assembly.Location);
        }

        start.Environment["GLIBC_TUNABLES"] = "glibc.malloc.mmap_threshold=131072";
        start.ArgumentList.Add(Flag);
        start.ArgumentList.Add(Array.IndexOf(Cases, row).ToString(CultureInfo.InvariantCulture));
        start.ArgumentList.Add(get_num_threads().ToString(CultureInfo.InvariantCulture));
        using Process child = Process.Start(start)!;
        string[] lines = child.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        child.WaitForExit();
        if (child.ExitCode != 0)
        {
            throw new InvalidOperationException($"The process that measures the memory of '{row}' ended with {child.ExitCode}.");
        }

        return [.. lines.Select(line => line.Split(' ')).Select(words => (words[0], double.Parse(words[1], CultureInfo.InvariantCulture)))];
    }

    /// <summary>The child's side.</summary>
    internal static int Play(string row, string threads)
    {
        set_num_threads(int.Parse(threads, CultureInfo.InvariantCulture));
        HeadTensors.WarmUp();
        MemoryCase measured = Cases[int.Parse(row, CultureInfo.InvariantCulture)];
        WarmUp(measured);
        using HeadTensors tensors = HeadTensors.Random(measured.Head);
        double before = WithGradientsInPlace(tensors);
        Tell(Before, before);

        double peak = before;
        bool forgets = ProcessMemory.ForgetPeak(); // if not, what came before was no more than this
        using Tensor loss = measured.IsTorch ? tensors.TorchLoss() : tensors.OurLoss(new() { mode = measured.Mode });
        for (int i = 0; i < measured.Upstream.Length; i++)
        {
            using Tensor upstream = tensor((float)measured.Upstream[i]);
            autograd.backward([loss], [upstream], retain_graph: i + 1 < measured.Upstream.Length);
            peak = Math.Max(peak, ProcessMemory.Peak());
            if (i == 0 || forgets)
            {
                Tell(i == 0 ? First : Second, ProcessMemory.Peak() - before);
            }

            _ = ProcessMemory.ForgetPeak();
        }

        Tell(Peak, peak);
        return 0;
    }

    /// <summary>What is compiled and loaded for a step is not the step's memory.</summary>
    private static void WarmUp(MemoryCase measured)
    {
        using HeadTensors few = HeadTensors.Random(new(96, 64, 500));
        using Tensor loss = measured.IsTorch ? few.TorchLoss() : few.OurLoss(new() { mode = measured.Mode });
        for (int i = 0; i < measured.Upstream.Length; i++)
        {
            using Tensor upstream = tensor((float)measured.Upstream[i]);
            autograd.backward([loss], [upstream], retain_graph: i + 1 < measured.Upstream.Length);
        }
    }

    private static double WithGradientsInPlace(HeadTensors tensors)
    {
        using var scope = NewDisposeScope();
        foreach (Tensor leaf in (Tensor[])[tensors.Input, tensors.Weight])
        {
            _ = zeros_like(leaf).fill_(1);
            _ = zeros_like(leaf).fill_(1);
        }

        GC.Collect();
        return ProcessMemory.Now();
    }

    private static void Tell(string variant, double mebibytes) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{variant} {mebibytes}"));
}

/// <summary>Resident memory of this process, in MiB, as Linux tells it.</summary>
internal static class ProcessMemory
{
    private const string Status = "/proc/self/status", Clear = "/proc/self/clear_refs";

    public static double Now() => Read("VmRSS:");

    /// <summary>Since the last <see cref="ForgetPeak"/>.</summary>
    public static double Peak() => Read("VmHWM:");

    /// <summary>Not every system lets a process do that.</summary>
    public static bool ForgetPeak()
    {
        try
        {
            File.WriteAllText(Clear, "5");
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static double Read(string key)
    {
        string line = File.ReadLines(Status).First(line => line.StartsWith(key, StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }
}
