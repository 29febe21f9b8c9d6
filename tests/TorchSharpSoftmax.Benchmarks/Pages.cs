using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>
/// The README's summary and docs/benchmarks.md, made of the committed results: rows and cells word for word, so that no number there is anybody's memory.
/// Which shapes the summary shows is no choice either: where a ratio is least, where it is in the middle, where it is most.
/// </summary>
internal static class Pages
{
    private const string Begin = "<!-- benchmarks:begin -->", End = "<!-- benchmarks:end -->";

    private const string Relative = "Speed relative to a peer at its best setting (`ATEN_CPU_CAPABILITY=avx512` and `OPENBLAS_CORETYPE=SkylakeX` where the processor has that, same threads):\n"
        + "2.00 = twice as fast, below 1.00 we lose; the spread over the rounds in brackets.";

    public static void Write(string root, string results)
    {
        Machine[] machines = [.. Directory.GetDirectories(results).Order(StringComparer.Ordinal).Select(folder => new Machine(folder, root))];

        string readme = Path.Combine(root, "README.md");
        string all = File.ReadAllText(readme);
        int from = all.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, to = all.IndexOf(End, StringComparison.Ordinal);
        Save(readme, all[..from] + "\n" + Summary(machines) + "\n" + all[to..]);
        Save(Path.Combine(root, "docs", "benchmarks.md"), Everything(machines) + "\n");
    }

    private static string Summary(Machine[] machines)
    {
        var text = new StringBuilder(Relative)
            .Append(" Each line shows the shape where the ratio is least, the one in the middle, and\n")
            .AppendLine("the one where it is most; one thread. All shapes, two threads and lesser widths: [docs/benchmarks.md](docs/benchmarks.md).").AppendLine();
        foreach (Machine machine in machines)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"**{machine.Name}, {machine.Bits} bits**").AppendLine();
            text.AppendLine("| operator | against | least | middle | most |").AppendLine("|---|---|--:|--:|--:|");
            foreach ((Results file, Table table) in machine.Best().SelectMany(file => file.Tables.Select(table => (file, table))))
            {
                foreach (Column column in table.Columns)
                {
                    if (column.Headline is (string op, string against) && file.Spread(table, column) is { Length: > 0 } spread)
                    {
                        string link = $"{file.Link}#{table.Name.ToLowerInvariant()}";
                        text.AppendLine(CultureInfo.InvariantCulture, $"| [{op}]({link}) | {against} | {string.Join(" | ", spread)} |");
                    }
                }
            }

            text.AppendLine();
            foreach ((Results file, Table table) in machine.Best().SelectMany(file => file.Tables.Where(table => table.InReadme).Select(table => (file, table))))
            {
                text.AppendLine(table.Text).AppendLine().AppendJoin('\n', file.Lines(table)).AppendLine().AppendLine();
            }
        }

        return text.ToString().TrimEnd();
    }

    private static string Everything(Machine[] machines)
    {
        var text = new StringBuilder("# Benchmarks\n\n").Append(Relative).AppendLine().AppendLine()
            .AppendLine("`./build.sh --target=Bench` measures everything anew, `./build.sh --target=Bench -- stablemax perp-grad` some operators. This page is made of the results by it.").AppendLine();
        foreach (Machine machine in machines)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"## {machine.Name}, {machine.Bits} bits").AppendLine();
            foreach (Table table in Table.All.Where(table => machine.Files.Any(file => file.Tables.Contains(table))))
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"### {table.Name}").AppendLine().AppendLine(table.Text).AppendLine();
                foreach (Results file in machine.Files.Where(file => file.Tables.Contains(table)))
                {
                    text.AppendLine(CultureInfo.InvariantCulture, $"[{file.Name}](../{file.Link}):").AppendLine();
                    text.AppendJoin('\n', file.Lines(table)).AppendLine().AppendLine();
                }
            }
        }

        return text.ToString().TrimEnd();
    }

    private static void Save(string path, string text) => File.WriteAllText(path, text.ReplaceLineEndings("\n"));

    /// <summary>A folder of results: a processor and its best width.</summary>
    private sealed class Machine
    {
        public Machine(string folder, string root)
        {
            Bits = int.Parse(Regex.Match(folder, @"(\d+)-bit$").Groups[1].Value, CultureInfo.InvariantCulture);
            Files = [.. Directory.GetFiles(folder, "*.md").Select(path => new Results(path, root)).OrderBy(f => f.Order)];
            Name = Files[0].Processor;
        }

        public string Name { get; }

        public int Bits { get; }

        public Results[] Files { get; }

        /// <summary>At the best width, on one thread, with memory as it is.</summary>
        public IEnumerable<Results> Best() => Files.Where(file => file.Name.EndsWith($"-{Bits}-bit-1-thread", StringComparison.Ordinal));
    }

    /// <summary>A file that <see cref="Report"/> wrote.</summary>
    private sealed class Results(string path, string root)
    {
        private readonly string[] _lines = File.ReadAllLines(path);

        public string Name { get; } = Path.GetFileNameWithoutExtension(path);

        public string Link { get; } = Path.GetRelativePath(root, path).Replace('\\', '/');

        public string Processor => _lines[2].Split(", .NET")[0];

        public Table[] Tables => [.. Table.All.Where(table => _lines.Contains($"## {table.Name}"))];

        /// <summary>Wide before narrow, one thread before two, plain before kept blocks.</summary>
        public (int Narrowness, string Name) Order => (-int.Parse("0" + Regex.Match(Name, @"(\d+)-bit").Groups[1].Value, CultureInfo.InvariantCulture), Name);

        public IEnumerable<string> Lines(Table table) =>
            _lines.SkipWhile(line => line != $"## {table.Name}").Skip(1).SkipWhile(line => line.Length == 0).TakeWhile(line => line.StartsWith('|'));

        /// <summary>The cells of a column that are least, in the middle and most, each with its row's name; none where nothing of the column was measured.</summary>
        public string[] Spread(Table table, Column column)
        {
            string[][] rows = [.. Lines(table).Select(line => line.Split(" | "))];
            int at = Array.FindIndex(rows[0], title => title.TrimEnd(' ', '|') == column.Title);
            (double Ratio, string Cell)[] cells =
            [
                .. from row in rows.Skip(2)
                   let cell = row[at].TrimEnd(' ', '|')
                   where cell != "–"
                   let ratio = double.Parse(cell.Split(' ')[0], CultureInfo.InvariantCulture)
                   orderby ratio
                   select (ratio, $"{cell} at {row[0].TrimStart('|', ' ')}"),
            ];
            return cells.Length == 0 ? [] : [cells[0].Cell, cells[(cells.Length - 1) / 2].Cell, cells[^1].Cell];
        }
    }
}
