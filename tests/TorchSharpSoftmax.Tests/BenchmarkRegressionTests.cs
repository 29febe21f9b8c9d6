using System.Diagnostics;
using System.Globalization;
using TorchSharpSoftmax.Benchmarks;

namespace TorchSharpSoftmax.Tests;

/// <summary>The benchmarks' gate: what is slower than committed is found, noise is not, and nothing goes missing in silence.</summary>
[BestWidthOnly]
public sealed class BenchmarkRegressionTests : IDisposable
{
    private static readonly Shape Large = new(512, 32000), Wide = new(4096, 1024);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void What_is_30_percent_slower_is_found_whatever_the_noise()
    {
        var random = new Random(1);
        for (int i = 0; i < 200; i++)
        {
            Results committed = Committed(Row(Large, Noisy(random, 2, rounds: 5), Noisy(random, 1.5, rounds: 5)));
            Compared[] compared = Regressions.Compare(committed, Rounds(Large, Noisy(random, 2 * 0.7, rounds: 3), Noisy(random, 1.5, rounds: 3)));
            Assert.Equal(["stablemax / torch"], compared.Where(one => one.Regressed).Select(one => one.Column));
            Assert.Equal(["stablemax / torch"], compared.Where(one => one.Fails).Select(one => one.Column));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(9)]
    public void Noise_is_no_regression(int rounds)
    {
        var random = new Random(2);
        for (int i = 0; i < 200; i++)
        {
            Results committed = Committed(Row(Large, Noisy(random, 2, rounds: 5), Noisy(random, 0.05, rounds: 5)));
            Compared[] compared = Regressions.Compare(committed, Rounds(Large, Noisy(random, 2, rounds), Noisy(random, 0.05, rounds)));
            Assert.Equal(2, compared.Length);
            Assert.DoesNotContain(compared, one => one.Fails);
        }
    }

    [Theory]
    [InlineData(1.70, 1.80, 1.90, false)] // a tenth less than the least committed is noise
    [InlineData(1.50, 1.60, 1.69, true)]
    [InlineData(1.50, 1.60, 2.00, false)] // one of three rounds is as good as ever
    public void The_spread_of_both_sides_decides(double a, double b, double c, bool regressed)
    {
        Results committed = Committed(Row(Large, [1.9, 2, 2.1], [1, 1, 1]));
        Assert.Equal(regressed, Regressions.Compare(committed, Rounds(Large, [a, b, c], [1, 1, 1])).Single(one => one.Column == "stablemax / torch").Regressed);
    }

    [Fact]
    public void Accidents_of_single_rounds_hide_nothing()
    {
        // Committed in a bad moment, and measured with two of libtorch's.
        Results committed = Committed(Row(Large, [0.47, 2, 2.1], [1, 1, 1]));
        double[] half = [1, 1, 1, 1, 1, 1, 1, 4, 4];
        Assert.True(Regressions.Compare(committed, Rounds(Large, half, [.. half.Select(_ => 1.0)])).Single(one => one.Column == "stablemax / torch").Regressed);
    }

    [Fact]
    public void A_row_that_is_not_measured_any_more_is_reported_and_fails()
    {
        Results committed = Committed(Row(Large, [2, 2, 2], [1, 1, 1]), Row(Wide, [3, 3, 3], [1, 1, 1]));
        Measurement[] now = Rounds(Large, [2, 2, 2], [1, 1, 1]);
        Compared[] compared = Regressions.Compare(committed, now);
        Assert.Equal(["4 Ki x 1 Ki", "4 Ki x 1 Ki"], compared.Where(one => one.Missing && one.Fails).Select(one => one.Row));
        string[] lines = Regressions.Summary("a-file", compared).Split('\n');
        Assert.Equal("  MISSING: CrossEntropy, 4 Ki x 1 Ki, stablemax / torch: not measured, committed 3.00 (3.00–3.00)", lines[0]);
        Assert.Equal("a-file: 2 ratios as committed or better, 0 slower, 2 missing, 0 not committed yet", lines[^1]);

        // A filter leaves rows out on purpose.
        Assert.DoesNotContain(Regressions.Compare(committed, now, isPart: true), one => one.Fails);
    }

    [Fact]
    public void A_table_or_a_column_that_is_renamed_is_missed()
    {
        Results committed = Committed("| 512 x 32000 | 1.000 | 2.00 (2.00–2.00) | 1.00 (1.00–1.00) |", "", "## AnOldTable", "", "| shape | time | ours / torch |", "|---|--:|--:|", "| a | 1 | 1.00 (1.00–1.00) |");
        Measurement[] now = Rounds(Large, [2, 2, 2], [1, 1, 1]);
        Assert.Equal(["AnOldTable"], Regressions.Compare(committed, now).Where(one => one.Fails).Select(one => one.Table));

        string path = Path.Combine(_folder.FullName, "committed.md");
        File.WriteAllText(path, File.ReadAllText(path).Replace("stablemax / torch", "the old title", StringComparison.Ordinal).Replace("AnOldTable", "StableMaxReference", StringComparison.Ordinal));
        Assert.Equal(["the old title", "ours / torch"], Regressions.Compare(new Results(path), now).Where(one => one.Fails).Select(one => one.Column));
    }

    [Fact]
    public void What_is_not_committed_yet_and_rows_of_fewer_rounds_are_no_failure()
    {
        Results committed = Committed("| 512 x 32000, rounds: 1 | 1.000 | 2.00 (2.00–2.00) | – |");
        Compared[] compared = Regressions.Compare(committed, [.. Rounds(Large, [2.1], [1]), .. Rounds(Wide, [2], [1])]);
        Assert.DoesNotContain(compared, one => one.Fails);
        Assert.EndsWith("1 ratios as committed or better, 0 slower, 0 missing, 3 not committed yet", Regressions.Summary("a-file", compared), StringComparison.Ordinal);
        Assert.Contains(compared, one => one is { Row: "512 x 32000", Committed.Median: 2, Now: [2.1] });
    }

    [Fact]
    public void Without_committed_results_of_this_processor_the_gate_says_so_and_measures_nothing()
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        string[] arguments = ["exec", typeof(Regressions).Assembly.Location, "--operator", "cross-entropy", "--threads", "1", "--compare", _folder.FullName];
        Array.ForEach(arguments, start.ArgumentList.Add);
        using Process gate = Process.Start(start)!;
        string output = gate.StandardOutput.ReadToEnd();
        gate.WaitForExit();
        Assert.Equal(Regressions.NothingToCompare, gate.ExitCode);
        Assert.Matches(@"There are no committed results of cross-entropy-\S+-1-thread on this processor \(\S+\): nothing to compare\.", output);
    }

    /// <summary>Ratios of times that are both up to 5 % off.</summary>
    private static double[] Noisy(Random random, double ratio, int rounds)
    {
        double Off() => 0.95 + (0.1 * random.NextDouble());
        return [.. Enumerable.Range(0, rounds).Select(_ => ratio * Off() / Off())];
    }

    private static string Row(Shape shape, double[] stableMax, double[] collapseFree) => $"| {shape} | 1.000 | {Cell(stableMax)} | {Cell(collapseFree)} |";

    private static string Cell(double[] ratios) =>
        string.Create(CultureInfo.InvariantCulture, $"{ratios.Order().ElementAt(ratios.Length / 2):0.00} ({ratios.Min():0.00}–{ratios.Max():0.00})");

    private Results Committed(params string[] rows)
    {
        string path = Path.Combine(_folder.FullName, "committed.md");
        string[] head = ["# committed", "", "A processor, .NET 10.", "", "## CrossEntropy", "", "| shape | torch's cross_entropy, ns/element | stablemax / torch | collapse-free / torch |", "|---|--:|--:|--:|"];
        File.WriteAllLines(path, [.. head, .. rows]);
        return new(path);
    }

    private static Measurement[] Rounds(Shape shape, double[] stableMax, double[] collapseFree)
    {
        const double torch = 100;
        Measurement Of(string variant, int round, double time) => new(typeof(CrossEntropy), shape, variant, round, time);
        return
        [
            .. stableMax.Select((_, round) => Of(nameof(CrossEntropy.Torch), round, torch)),
            .. stableMax.Select((ratio, round) => Of(nameof(CrossEntropy.StableMax), round, torch / ratio)),
            .. collapseFree.Select((ratio, round) => Of(nameof(CrossEntropy.CollapseFree), round, torch / ratio)),
        ];
    }
}
