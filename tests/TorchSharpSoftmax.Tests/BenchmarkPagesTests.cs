using System.Buffers.Binary;
using System.Globalization;
using System.Text.RegularExpressions;
using TorchSharpSoftmax.Benchmarks;

namespace TorchSharpSoftmax.Tests;

/// <summary>The README's summary, docs/benchmarks.md and the picture are those of the committed results: `./build.sh --target=Bench -- --pages` makes them anew.</summary>
[BestWidthOnly]
public sealed class BenchmarkPagesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void The_summary_of_the_README_is_made_of_the_committed_results()
    {
        string readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        Assert.Contains($"{Pages.Begin}\n{Pages.Summary(Committed, Repository.Root)}\n{Pages.End}", readme, StringComparison.Ordinal);
    }

    [Fact]
    public void The_page_of_all_benchmarks_is_made_of_the_committed_results() =>
        Assert.Equal(Pages.Everything(Committed, Repository.Root), File.ReadAllText(InDocs("benchmarks.md")));

    [Fact]
    public void The_picture_is_made_of_the_committed_results()
    {
        string script = Picture.Script(Committed);
        Assert.Equal(script, File.ReadAllText(InDocs(Picture.ScriptName)));

        // The script says how large a picture it draws, and that grows with its lines: one that was forgotten has another size.
        Match size = Regex.Match(script, @"size (\d+),(\d+)");
        byte[] png = File.ReadAllBytes(InDocs(Picture.Name));
        Assert.Equal(int.Parse(size.Groups[1].Value, CultureInfo.InvariantCulture), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)));
        Assert.Equal(int.Parse(size.Groups[2].Value, CultureInfo.InvariantCulture), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20)));
    }

    [Fact]
    public void The_summary_shows_each_operator_on_the_newest_processor_that_it_was_measured_on()
    {
        Measure("old-family-25-model-1-256-bit", "Old", "perp-grad-256-bit-1-thread", PerpGradTable);
        Measure("old-family-25-model-1-256-bit", "Old", "cross-entropy-256-bit-1-thread", CrossEntropyTable);
        Measure("new-family-25-model-17-512-bit", "New", "cross-entropy-512-bit-1-thread", CrossEntropyTable);
        Measure("new-family-25-model-17-512-bit", "New", "perp-grad-512-bit-2-thread", PerpGradTable);
        Machine[] machines = Machine.All(_folder.FullName);

        string[] shown = [.. Pages.Summary(machines, _folder.FullName).Split('\n').Where(line => line.StartsWith("**", StringComparison.Ordinal) || line.StartsWith("| [", StringComparison.Ordinal))];
        Assert.Equal(
            [
                "**New, 512 bits**",
                "| [stablemax_cross_entropy, forward and backward](new-family-25-model-17-512-bit/cross-entropy-512-bit-1-thread.md#crossentropy) | libtorch's cross_entropy | "
                    + "0.80 at b | 1.50 at c | 2.00 at a |",
                "**Old, 256 bits**",
                "| [perp_grad_](old-family-25-model-1-256-bit/perp-grad-256-bit-1-thread.md#perpgrad) | the same, composed of libtorch's operators | 3.00 at d | 3.00 at d | 3.00 at d |",
            ], shown);

        string script = Picture.Script(machines);
        Assert.Contains("$ratios << END\n0.80 1.50 2.00 1\n3.00 3.00 3.00 3\nEND\n", script, StringComparison.Ordinal);
    }

    private const string CrossEntropyTable = """
        ## CrossEntropy

        | shape | torch's cross_entropy, ns/element | stablemax / torch | collapse-free / torch |
        |---|--:|--:|--:|
        | a | 1.000 | 2.00 (1.90–2.10) | – |
        | b | 1.000 | 0.80 (0.70–0.90) | – |
        | c | 1.000 | 1.50 (1.40–1.60) | – |
        """;

    private const string PerpGradTable = """
        ## PerpGrad

        | parameters | AdamW, µs | perp_grad_ / composed |
        |---|--:|--:|
        | d | 1.000 | 3.00 (2.90–3.10) |
        """;

    private static Machine[] Committed => Machine.All(Path.Combine(Repository.Root, "tests", "TorchSharpSoftmax.Benchmarks", "results"));

    private static string InDocs(string name) => Path.Combine(Repository.Root, "docs", name);

    private void Measure(string folder, string processor, string file, string table) =>
        File.WriteAllText(Path.Combine(_folder.CreateSubdirectory(folder).FullName, file + ".md"), $"# {file}\n\n{processor}, .NET 10; a line.\n\n{table}\n");
}
