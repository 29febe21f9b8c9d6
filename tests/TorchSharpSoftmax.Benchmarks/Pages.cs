using System.Globalization;
using System.Text;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>
/// The README's summary, docs/benchmarks.md and the picture of both, made of the committed results: rows and cells word for word, so that no number there is anybody's memory.
/// Which shapes the summary shows is no choice either: where a ratio is least, where it is in the middle, where it is most.
/// </summary>
internal static class Pages
{
    /// <summary>The README's part that is made here stands between these two lines.</summary>
    internal const string Begin = "<!-- benchmarks:begin -->", End = "<!-- benchmarks:end -->";

    private const string Relative = "Speed relative to a peer at its best setting (`ATEN_CPU_CAPABILITY=avx512` and `OPENBLAS_CORETYPE=SkylakeX` where the processor has that, same threads):\n"
        + "2.00 = twice as fast, below 1.00 we lose";

    private const string Alternative = "![For each operator and peer the ratio of speeds where it is least, in the middle and most, on a logarithmic axis, losses in red; under it the memory of linear_cross_entropy]";

    /// <returns>null when all was written, otherwise what was not and why.</returns>
    public static string? Write(string root, string results)
    {
        Machine[] machines = Machine.All(results);
        string readme = Path.Combine(root, "README.md"), docs = Path.Combine(root, "docs");
        string all = File.ReadAllText(readme);
        int from = all.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, to = all.IndexOf(End, StringComparison.Ordinal);
        Save(readme, all[..from] + "\n" + Summary(machines, root) + "\n" + all[to..]);
        Save(Path.Combine(docs, "benchmarks.md"), Everything(machines, root));
        string script = Picture.Script(machines);
        Save(Path.Combine(docs, Picture.ScriptName), script);
        return Picture.Draw(docs, script) is { } why ? $"docs/{Picture.Name} is not drawn anew: {why}." : null;
    }

    /// <summary>What stands between the README's two lines.</summary>
    internal static string Summary(Machine[] machines, string root)
    {
        var text = new StringBuilder(Relative)
            .Append(". Each line is the shape where the ratio is least, the one in the middle, and the one where it is most;\n")
            .AppendLine("one thread, each operator on the newest processor that it was measured on. All shapes and spreads, two threads, lesser widths: [docs/benchmarks.md](docs/benchmarks.md).")
            .AppendLine().Append(Alternative).AppendLine("(docs/benchmarks.png)").AppendLine();
        foreach ((Machine machine, (Results File, Table Table)[] tables) in Machine.Newest(machines))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"**{machine.Name}**").AppendLine();
            text.AppendLine("| operator | against | least | middle | most |").AppendLine("|---|---|--:|--:|--:|");
            foreach ((Results file, Table table) in tables)
            {
                foreach (Column column in table.Columns)
                {
                    if (column.Headline is (string op, string against) && file.Spread(table, column) is { Length: > 0 } spread)
                    {
                        string link = $"{file.Link(root)}#{Anchor(table)}";
                        text.AppendLine(CultureInfo.InvariantCulture, $"| [{op}]({link}) | {against} | {string.Join(" | ", spread.Select(one => one.Short))} |");
                    }
                }
            }

            text.AppendLine();
            foreach ((Results file, Table table) in tables.Where(one => one.Table.Excerpt is not null))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"{table.Excerpt!.Text} ([how it is measured](docs/benchmarks.md#{Anchor(table)})):").AppendLine();
                text.AppendJoin('\n', file.Lines(table).Where(table.Excerpt.Shows)).AppendLine().AppendLine();
            }
        }

        return text.ToString().TrimEnd().ReplaceLineEndings("\n");
    }

    /// <summary>docs/benchmarks.md.</summary>
    internal static string Everything(Machine[] machines, string root)
    {
        var text = new StringBuilder("# Benchmarks\n\n").Append(Relative).AppendLine("; the spread over the rounds in brackets.").AppendLine()
            .AppendLine("`./build.sh --target=Bench` measures everything anew, `./build.sh --target=Bench -- stablemax perp-grad` some operators, and this page and the README's summary are made of the")
            .AppendLine("results; with `-- --compare` it tells instead which ratios are less than those committed for the same processor, more than noise explains.").AppendLine()
            .Append(Alternative).AppendLine("(benchmarks.png)").AppendLine();
        foreach (Machine machine in machines)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"## {machine.Name}").AppendLine();
            foreach (Table table in Table.All.Where(table => machine.Files.Any(file => file.Tables.Contains(table))))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"### {table.Name}").AppendLine().AppendLine(table.Text).AppendLine();
                foreach (Results file in machine.Files.Where(file => file.Tables.Contains(table)))
                {
                    text.AppendLine(CultureInfo.InvariantCulture, $"[{file.Name}](../{file.Link(root)}):").AppendLine();
                    text.AppendJoin('\n', file.Lines(table)).AppendLine().AppendLine();
                }
            }
        }

        return text.ToString().TrimEnd().ReplaceLineEndings("\n") + "\n";
    }

    private static string Anchor(Table table) => table.Name.ToLowerInvariant();

    private static void Save(string path, string text) => File.WriteAllText(path, text.ReplaceLineEndings("\n"));
}
