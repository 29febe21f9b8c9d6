using System.Text;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>The README's section of measurements: rows of the committed results, word for word, so that no number there is anybody's memory.</summary>
internal static class ReadmeSection
{
    private const string Begin = "<!-- benchmarks:begin -->";
    private const string End = "<!-- benchmarks:end -->";

    /// <summary>Which table of which file; what stands above it.</summary>
    private static readonly (string File, string Table, string Text)[] Tables =
    [
        ("softmax-512-bit-1-thread", "SoftmaxForward", "softmax into an output that exists, one thread. The limit is what memory allows: the same reads and writes with next to no arithmetic."),
        ("softmax-512-bit-2-thread", "SoftmaxForward", "The same on two threads. libtorch never splits a lone row."),
        ("softmax-256-bit-1-thread", "SoftmaxForward", "The same on one thread, as on a machine without AVX-512 (libtorch still at its best)."),
        ("softmax-512-bit-1-thread", "SoftmaxBackward", "The gradient by itself, one thread."),
        ("softmax-512-bit-1-thread", "SoftmaxForwardBackward", "Forward and backward through autograd, one thread: fresh outputs and gradients, whose page faults cost both sides more than the arithmetic."),
        ("softmax-512-bit-1-thread-blocks-kept", "SoftmaxForwardBackward", "The same after `LargeBlocks.Keep()`, which helps libtorch as well."),
    ];

    private static readonly string[] Shapes =
    [
        "1 x 1 Ki", "1 x 64 Ki", "1 x 1 Mi", "1 x 16 Mi", "1 x 64 Mi", "32 Ki x 100", "4 Ki x 1 Ki", "1 Ki x 32000", "64 x 1000 x 256 dim 1", "1 x 16 Mi bfloat16",
    ];

    public static void Write(string readme, string results)
    {
        var text = new StringBuilder();
        foreach (string machine in Directory.GetDirectories(results).Order(StringComparer.Ordinal))
        {
            string[] any = File.ReadAllLines(Directory.GetFiles(machine, "*-1-thread.md").Order(StringComparer.Ordinal).Last());
            text.AppendLine("Speed relative to libtorch at its best setting (`ATEN_CPU_CAPABILITY=avx512` where the processor has it, same threads), from")
                .AppendLine($"[`{machine}`]({machine}): 2.00 = twice as fast, below 1.00 we lose; the spread over the rounds in brackets.")
                .AppendLine(any[2].Split(';')[0] + ".").AppendLine();
            foreach ((string file, string table, string title) in Tables)
            {
                string path = Path.Combine(machine, file + ".md");
                if (File.Exists(path))
                {
                    text.AppendLine(title).AppendLine();
                    Array.ForEach([.. Rows(path, table)], row => text.AppendLine(row));
                    text.AppendLine();
                }
            }
        }

        string all = File.ReadAllText(readme);
        int from = all.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length;
        int to = all.IndexOf(End, StringComparison.Ordinal);
        File.WriteAllText(readme, (all[..from] + "\n" + text.ToString().TrimEnd() + "\n" + all[to..]).ReplaceLineEndings("\n"));
    }

    private static IEnumerable<string> Rows(string path, string table) =>
        File.ReadLines(path)
            .SkipWhile(line => line != "## " + table).Skip(1)
            .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Where(line => line.StartsWith("| shape", StringComparison.Ordinal) || line.StartsWith("|---", StringComparison.Ordinal)
                || Shapes.Any(shape => line.StartsWith($"| {shape} |", StringComparison.Ordinal)));
}
