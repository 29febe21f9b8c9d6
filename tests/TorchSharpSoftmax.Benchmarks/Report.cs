using System.Globalization;
using System.Reflection;
using System.Text;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>A ratio of speeds: how many times as fast <paramref name="Of"/> is as <paramref name="Over"/>.</summary>
internal sealed record Column(string Title, string Of, string Over);

/// <summary>One Markdown file per process: the baseline's time, then ratios formed inside each round.</summary>
internal static class Report
{
    public static string Write(string folder, string name, Settings settings, int rounds, List<Measurement> all)
    {
        string directory = Path.Combine(folder, settings.CpuFolder);
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, $"{name}.md");

        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"# {name}").AppendLine();
        text.AppendLine(settings.Describe()).AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture,
            $"Ratios of speed (2.00 = twice as fast): the median of {rounds} rounds, smallest and largest in brackets. A ratio is formed inside a round, in which");
        text.AppendLine("the variants of a shape run next to each other in a shuffled order. The time is the baseline's (libtorch), for orientation only:");
        text.AppendLine("absolute times on a shared machine mean little.").AppendLine();
        Shape[] shapes = [.. Shape.All];
        foreach (IGrouping<Type, Measurement> group in all.GroupBy(m => m.Group))
        {
            Column[] columns = (Column[])group.Key.GetField("Columns", BindingFlags.Static | BindingFlags.NonPublic)!.GetValue(null)!;
            text.AppendLine(CultureInfo.InvariantCulture, $"## {group.Key.Name}").AppendLine();
            text.Append("| shape | torch, ns/element |").AppendLine(string.Concat(columns.Select(c => $" {c.Title} |")));
            text.Append("|---|--:|").AppendLine(string.Concat(columns.Select(_ => "--:|")));
            foreach (IGrouping<Shape, Measurement> shape in group.GroupBy(m => m.Shape).OrderBy(g => Array.IndexOf(shapes, g.Key)))
            {
                ILookup<string, Measurement> times = shape.ToLookup(m => m.Variant);
                text.Append(CultureInfo.InvariantCulture, $"| {shape.Key} | {Baseline(times["Torch"], shape.Key)} |");
                text.AppendLine(string.Concat(columns.Select(c => $" {Ratio(times[c.Of], times[c.Over])} |")));
            }

            text.AppendLine();
        }

        File.WriteAllText(path, text.ToString().TrimEnd().ReplaceLineEndings("\n") + "\n");
        return path;
    }

    private static string Baseline(IEnumerable<Measurement> torch, Shape shape)
    {
        double[] times = [.. torch.Select(m => m.Nanoseconds / shape.Elements).Order()];
        return times.Length == 0 ? "–" : Median(times).ToString("0.000", CultureInfo.InvariantCulture);
    }

    private static string Ratio(IEnumerable<Measurement> of, IEnumerable<Measurement> over)
    {
        double[] ratios = [.. of.Join(over, m => m.Round, m => m.Round, (a, b) => b.Nanoseconds / a.Nanoseconds).Order()];
        return ratios.Length == 0 ? "–" : string.Create(CultureInfo.InvariantCulture, $"{Median(ratios):0.00} ({ratios[0]:0.00}–{ratios[^1]:0.00})");
    }

    private static double Median(double[] sorted)
    {
        int half = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    }
}
