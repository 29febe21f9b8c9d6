using System.Globalization;
using System.Text;
using TorchSharpSoftmax.Examples;

namespace MoeGating;

/// <summary>Two gates' loads as heat maps, the accuracy of all networks, and over the steps load CV, entropy with temperature, and accuracy.</summary>
internal static class DigitsPicture
{
    private static readonly string[] HeatMaps = ["top1", "top2-balanced"];
    private static readonly string[] Curves = ["softmax", "top2", "top2-balanced", "sigmoid-top2", "top1", "top1-balanced", "dense-to-sparse", "dense-to-sparse-tanh"];
    private static readonly string[] Colors = ["#7f7f7f", "#1f77b4", "#17becf", "#9467bd", "#d62728", "#ff7f0e", "#2ca02c", "#8c564b"];

    /// <returns>null when the picture was drawn, otherwise why it was not.</returns>
    public static string? Draw(string picture, DigitsStudy study)
    {
        int seed = study.Finished[0].Seed;
        DigitsRun[] runs = [.. study.Finished.Where(r => r.Seed == seed)];
        int seeds = study.Finished.Select(r => r.Seed).Distinct().Count();
        int steps = runs.Max(r => r.Outcome!.Steps);
        string title = $"Conflicting digits: eight experts of 16 units; curves and maps of seed {seed}, bars the mean of {(seeds == 1 ? "it" : $"{seeds} seeds")}";
        var script = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"""
            set terminal pngcairo size 1600,900 font 'DejaVu Sans,12'
            set output {Gnuplot.Quote(picture)}
            set multiplot title {Gnuplot.Quote(title)} font ',15'
            set datafile separator ','
            set datafile missing ''
            set xlabel 'step' offset 0,0.5
            set lmargin 8; set rmargin 3
            set palette defined (0 '#000000', 0.02 '#08306b', 0.125 '#41b6c4', 0.25 '#ffffb2', 0.5 '#fd8d3c', 1 '#bd0026')
            set cbrange [0:0.5]; set cbtics 0.125; set cblabel 'load'

            """));
        foreach ((string gate, int i) in HeatMaps.Select((g, i) => (g, i)))
        {
            if (runs.FirstOrDefault(r => r.Gate.Name == gate) is { } run)
            {
                HeatMap(script, run, x: i / 3.0, steps);
            }
        }

        Accuracies(script, study);
        script.AppendLine(CultureInfo.InvariantCulture, $"set ylabel ''; set ytics auto; set xtics 400; set grid; set xrange [0:{steps}]; set lmargin 8; set rmargin 3");
        DigitsRun[] drawn = [.. Curves.Select(name => runs.FirstOrDefault(r => r.Gate.Name == name)).OfType<DigitsRun>()];
        if (drawn.Length > 0)
        {
            script.AppendLine("set nokey");
            Panel(script, 0, "load CV of training steps", "set yrange [0:*]", drawn, "LoadCV");
            DigitsRun? cooling = drawn.FirstOrDefault(r => r.Gate.Name.StartsWith("dense-to-sparse", StringComparison.Ordinal));
            string temperature = cooling is null ? "" : $", {Gnuplot.Quote(cooling.MetricsPath)} using 'Step':'Temperature' axes x1y2 with lines lw 2 dt 2 lc rgb 'black'";
            const string Right = "set ytics nomirror; set y2range [0:2.06]; set y2tics 0.5";
            Panel(script, 1 / 3.0, "entropy over the largest possible (dashed, right axis: temperature)", "set yrange [0:1.03]; set rmargin 5; " + Right, drawn, "Entropy", temperature);
            Panel(script, 2 / 3.0, "accuracy on unseen pictures", "set yrange [0.4:1]; set rmargin 3; unset y2tics; set ytics mirror", drawn, "TestAccuracy");
        }

        script.AppendLine("unset multiplot\nset output");
        return Gnuplot.Draw(script.ToString(), picture);
    }

    private static void HeatMap(StringBuilder script, DigitsRun run, double x, int steps)
    {
        List<DigitsRow> rows = MetricsFile<DigitsRow>.Read(run.MetricsPath);
        int[] order = [.. Enumerable.Range(0, DigitGate.Experts).OrderByDescending(e => rows[^1].Loads()[e])];
        script.AppendLine(CultureInfo.InvariantCulture, $"set size {1 / 3.0},0.46; set origin {x},0.48; set title {Gnuplot.Quote("loads of training: " + run.Gate.Title)}");
        script.AppendLine(CultureInfo.InvariantCulture, $"set xrange [0:{steps}]; set yrange [-0.5:{DigitGate.Experts - 0.5}]; set ytics 1; set ylabel 'expert, by its last load' offset 1,0; unset grid; set nokey");
        script.AppendLine("$loads << EOD");
        foreach (int expert in order)
        {
            script.AppendLine(string.Join(',', rows.Select(r => Output.Number(r.Loads()[expert], "0.#####"))));
        }

        double width = (double)steps / rows.Count;
        script.AppendLine("EOD");
        script.AppendLine(CultureInfo.InvariantCulture, $"plot $loads matrix using (($1 + 0.5) * {width}):2:3 with image");
    }

    /// <summary>Lying bars, the first network at the top.</summary>
    private static void Accuracies(StringBuilder script, DigitsStudy study)
    {
        (DigitGate Gate, double Accuracy)[] bars = [.. DigitsReport.ByGate(study).Select(g => (g.Key, g.Average(o => o.TestAccuracy)))];
        script.AppendLine(CultureInfo.InvariantCulture, $"set size {1 / 3.0},0.46; set origin {2 / 3.0},0.48; set title 'accuracy at the end, and the colours below' offset -14,0; unset ylabel; set lmargin 32");
        script.AppendLine(CultureInfo.InvariantCulture, $"set xrange [0.5:1.09]; set yrange [-0.6:{bars.Length - 0.4}]; set style fill solid; unset xlabel; set xtics (0.5, 0.7, 0.9)");
        script.AppendLine("set ytics (" + string.Join(", ", bars.Select((b, i) => $"{Gnuplot.Quote(b.Gate.Title)} {bars.Length - 1 - i}")) + ") nomirror noenhanced font ',10'");
        script.AppendLine("$bars << EOD");
        foreach (((DigitGate gate, double accuracy), int i) in bars.Select((b, i) => (b, i)))
        {
            int at = Array.IndexOf(Curves, gate.Name);
            script.AppendLine(CultureInfo.InvariantCulture, $"{accuracy},{bars.Length - 1 - i},0x{(at < 0 ? "bbbbbb" : Colors[at][1..])}");
        }

        script.AppendLine("EOD\nplot $bars using 1:2:(0.5):1:($2-0.35):($2+0.35):3 with boxxyerror lc rgb variable, $bars using 1:2:(sprintf(' %.3f', $1)) with labels left font ',10'");
        script.AppendLine("set ytics mirror font ',12'; set xlabel 'step' offset 0,0.5");
    }

    private static void Panel(StringBuilder script, double x, string title, string settings, DigitsRun[] runs, string column, string more = "")
    {
        script.AppendLine(CultureInfo.InvariantCulture, $"set size {1 / 3.0},0.46; set origin {x},0; set title '{title}' offset 0,0 font ',11'; {settings}");
        script.AppendLine("plot " + string.Join(", \\\n     ", runs.Select(run =>
            $"{Gnuplot.Quote(run.MetricsPath)} using 'Step':'{column}' with lines lw 2 lc rgb '{Colors[Array.IndexOf(Curves, run.Gate.Name)]}'")) + more);
    }
}
