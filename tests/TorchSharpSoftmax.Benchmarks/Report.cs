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
        text.AppendLine(CultureInfo.InvariantCulture, $"# {file}").AppendLine();
        text.AppendLine(settings.Describe()).AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture,
            $"Ratios of speed (2.00 = twice as fast): the median of {rounds} rounds, smallest and largest in brackets. A ratio is formed inside a round, in which");
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
                text.Append(CultureInfo.InvariantCulture, $"| {row.Key} | {Time(times[table.Baseline], row.Key.Units)} |");
                text.AppendLine(string.Concat(table.Columns.Select(c => $" {Ratio(times[c.Of], times[c.Over], c.Format)} |")));
            }

            text.AppendLine();
        }

        File.WriteAllText(path, text.ToString().TrimEnd().ReplaceLineEndings("\n") + "\n");
        return path;
    }

    private static string Time(IEnumerable<Measurement> baseline, double units)
    {
        double[] times = [.. baseline.Select(m => m.Nanoseconds / units).Order()];
        return times.Length == 0 ? "–" : Median(times).ToString("0.000", CultureInfo.InvariantCulture);
    }

    private static string Ratio(IEnumerable<Measurement> of, IEnumerable<Measurement> over, string format)
    {
        double[] ratios = [.. of.Join(over, m => m.Round, m => m.Round, (a, b) => b.Nanoseconds / a.Nanoseconds).Order()];
        string Text(double ratio) => ratio.ToString(format, CultureInfo.InvariantCulture);
        return ratios.Length == 0 ? "–" : $"{Text(Median(ratios))} ({Text(ratios[0])}–{Text(ratios[^1])})";
    }

    internal static double Median(double[] sorted)
    {
        int half = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
