using System.Globalization;
using System.Runtime.InteropServices;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>A head, and what is done with it.</summary>
internal sealed record HeadCase(Head Head, int MostRounds = int.MaxValue) : ICase
{
    public ScalarType Dtype { get; init; } = ScalarType.Float32;

    /// <summary>The share of tokens that is ignored.</summary>
    public double Ignored { get; init; }

    public bool ForwardOnly { get; init; }

    public LinearCrossEntropyMode Mode { get; init; }

    /// <summary>How much memory the machine must have free, in GiB. What needs any is for all threads alone, or it would take most of the time.</summary>
    public int Needs { get; init; }

    /// <summary>What was left out, and why.</summary>
    public string Missing { get; init; } = "";

    /// <summary>Nanoseconds to a millisecond.</summary>
    public double Units => 1e6;

    /// <summary>Floating-point operations that cannot be done without: the logits, and both gradients of them.</summary>
    public double Operations => (ForwardOnly ? 2 : 6) * Head.Products * (1 - Ignored);

    public override string ToString() => string.Concat(
        Head.ToString(),
        Dtype == ScalarType.Float32 ? "" : " " + Dtype.ToString().ToLowerInvariant(),
        ForwardOnly ? ", forward only" : "",
        Ignored > 0 ? string.Create(CultureInfo.InvariantCulture, $", {Ignored * 100:0} % ignored") : "",
        Mode == LinearCrossEntropyMode.Recompute ? ", recomputed in backward" : "",
        Missing);
}

/// <summary>linear_cross_entropy as it is by default, with all gradients exact.</summary>
internal static class LinearCrossEntropy
{
    internal static readonly Table Table = new(
        "linear-cross-entropy",
        "linear_cross_entropy of tokens x features x classes, forward and backward through autograd, beside libtorch's linear and cross_entropy of the same tensors. The FMA peak is measured "
        + "between the two: chains of multiply-adds that never leave the registers. The last column is the share of it that we reach, 2 products' worth of operations being counted for "
        + "forward and 6 with backward, for the tokens that are not ignored and also where we recompute and do 8.",
        Torch, "libtorch, ms",
    [
        new Amount("ours, ms", Ours, "0.0", 1e6),
        new("ours / libtorch", Ours, Torch, new("linear_cross_entropy", "libtorch's linear and cross_entropy")),
        Turns.PeakColumn,
        Turns.ShareOfPeak("ours, of the FMA peak", Ours),
    ], Cases: "tokens x features x classes", WithBlocksKept: true, Measure: Measure, TimeFormat: "0.0");

    private const string Torch = "torch", Ours = "ours", Nothing = "nothing";

    private static readonly HeadCase[] Cases =
    [
        new(Head.Common),
        new(Head.Common, MostRounds: 3) { Mode = LinearCrossEntropyMode.Recompute },
        new(Head.Common) { ForwardOnly = true },
        new(Head.Common, MostRounds: 3) { Ignored = 0.5 },
        new(new(4096, 256, 50257), MostRounds: 3),
        new(new(1024, 2304, 256000), MostRounds: 1) { Needs = 16 },
        new(new(4096, 2048, 1000)),
        new(Head.Common with { Tokens = 512 }, MostRounds: 3) { Dtype = ScalarType.BFloat16 },
    ];

    /// <summary>Rows as the machine allows them, found before their first round.</summary>
    private static readonly Dictionary<HeadCase, HeadCase> s_allowed = [];

    private static IEnumerable<Measurement> Measure(int round, Func<ICase, bool> wanted) => Cases.Where(row => wanted(row) && (row.Needs == 0 || get_num_threads() > 1)).SelectMany(row => Measure(row, round));

    private static IEnumerable<Measurement> Measure(HeadCase planned, int round)
    {
        HeadTensors.WarmUp();
        bool isKnown = s_allowed.TryGetValue(planned, out HeadCase? row);
        if (!isKnown && FreeGiB() < planned.Needs)
        {
            row = s_allowed[planned] = planned with { MostRounds = int.MaxValue, Missing = $": left out, less than {planned.Needs} GiB free" };
        }

        if (row is { Missing.Length: > 0, Needs: > 0 })
        {
            return [new(typeof(LinearCrossEntropy), row, Nothing, round, 0)];
        }

        if (!isKnown)
        {
            HeadTensors.TouchMemory(planned.Head);
        }

        using HeadTensors tensors = HeadTensors.Random(planned.Head, planned.Dtype, planned.Ignored);
        row ??= s_allowed[planned] = planned.Dtype == ScalarType.Float32 ? planned : LowPrecision(planned, tensors);
        var options = new LinearCrossEntropyOptions { mode = row.Mode };
        Turn ours = new(Ours, row.ForwardOnly ? tensors.OurForward : () => tensors.Ours(options));
        Turn torch = new(Torch, row.ForwardOnly ? tensors.TorchForward : tensors.Torch);
        return Turns.Take<float>(typeof(LinearCrossEntropy), row, round, row.Operations, row.Missing.Length > 0 ? [ours] : [ours, torch]);
    }

    /// <summary>Not every libtorch has products of 16-bit types, and some have them for completeness only: a few tokens tell how long all would take.</summary>
    private static HeadCase LowPrecision(HeadCase row, HeadTensors tensors)
    {
        const int share = 32, mostSeconds = 20;
        try
        {
            using HeadTensors few = tensors.First(row.Head.Tokens / share);
            few.Torch();
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            few.Torch();
            double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds * share;
            return seconds <= mostSeconds ? row : row with { Missing = $": libtorch, which takes more than {mostSeconds} s, left out" };
        }
        catch (ExternalException)
        {
            return row with { Missing = ": libtorch has none" };
        }
    }

    private static long FreeGiB()
    {
        const string info = "/proc/meminfo";
        string? available = File.Exists(info) ? File.ReadLines(info).FirstOrDefault(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal)) : null;
        return (available is null
            ? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes
            : long.Parse(available.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10) >> 30;
    }
}
