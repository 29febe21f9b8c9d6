using System.Globalization;
using System.Text;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>One Markdown file per process: the baseline's time, then ratios formed inside each round.</summary>
internal static class Report
{
    public static string Write(string folder, string name, Settings settings, int rounds, List<Measurement> all)
    {
        string directory = Directory.CreateDirectory(Path.Combine(folder, Settings.Folder)).FullName;
        string file = settings.FileName(name), path = Path.Combine(directory, file + ".md");

        var text = new StringBuilder();
        string fewer = all.Any(m => m.Case.MostRounds < rounds) ? " (fewer where a row says so)" : "";
        text.AppendLine(CultureInfo.InvariantCulture, $"# {file}").AppendLine();
        text.AppendLine(settings.Describe()).AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture,
            $"Ratios of speed (2.00 = twice as fast): the median of {rounds} rounds{fewer}, smallest and largest in brackets. A ratio is formed inside a round, in which");
        text.AppendLine("the variants of a row run next to each other in a shuffled order. The time is one variant's, for orientation only:");
        text.AppendLine("absolute times on a shared machine mean little.").AppendLine();
        foreach (Table table in Table.All.Where(table => all.Any(m => m.Table == table.Type)))
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"## {table.Name}").AppendLine();
            text.Append(CultureInfo.InvariantCulture, $"| {table.Cases} | {table.Time} |").AppendLine(string.Concat(table.Columns.Select(c => $" {c.Title} |")));
            text.Append("|---|--:|").AppendLine(string.Concat(table.Columns.Select(_ => "--:|")));
            foreach (IGrouping<ICase, Measurement> row in all.Where(m => m.Table == table.Type).GroupBy(m => m.Case))
            {
                ILookup<string, Measurement> times = row.ToLookup(m => m.Variant);
                string few = row.Key.MostRounds < rounds ? $", rounds: {row.Key.MostRounds}" : "";
                text.Append(CultureInfo.InvariantCulture, $"| {row.Key}{few} | {Time(times[table.Baseline], row.Key.Units, table.TimeFormat)} |");
                text.AppendLine(string.Concat(table.Columns.Select(column => $" {Cell(column, times)} |")));
            }

            text.AppendLine();
        }

        File.WriteAllText(path, text.ToString().TrimEnd().ReplaceLineEndings("\n") + "\n");
        return path;
    }

    private static string Time(IEnumerable<Measurement> baseline, double units, string format)
    {
        double[] times = [.. baseline.Select(m => m.Value / units).Order()];
        return times.Length == 0 ? "–" : Median(times).ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>The median, least and most in brackets; an amount that was measured once stands alone.</summary>
    private static string Cell(Column column, ILookup<string, Measurement> row)
    {
        double[] values = [.. column.Values(row).Order()];
        string Text(double value) => value.ToString(column.Format, CultureInfo.InvariantCulture);
        return values.Length == 0 ? "–"
            : column is Amount && values.Length == 1 ? Text(values[0])
            : $"{Text(Median(values))} ({Text(values[0])}–{Text(values[^1])})";
    }

    internal static double Median(double[] sorted)
    {
        int half = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
