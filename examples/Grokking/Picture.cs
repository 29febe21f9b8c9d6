using System.Globalization;
using System.Text;
using TorchSharpSoftmax.Examples;

namespace Grokking;

/// <summary>All runs over each other, epochs on a logarithmic axis: accuracy, large, with the key; loss, collapse, norm and cosine beside it.</summary>
internal static class Picture
{
    private static readonly string[] Colors = ["#7f7f7f", "#d62728", "#1f77b4", "#2ca02c", "#9467bd", "#ff7f0e"];

    /// <returns>null when the picture was drawn, otherwise why it was not.</returns>
    public static string? Draw(string picture, Preset preset, IReadOnlyList<Training> trainings)
    {
        Experiment first = preset.Runs[0].Experiment;
        string share = string.Join(" or ", preset.Runs.Select(r => r.Experiment.TrainFraction.ToString("P0", CultureInfo.InvariantCulture)).Distinct());
        string tasks = string.Join("; ", preset.Runs.Select(r => r.Experiment.Describe()).Distinct());
        string seeds = string.Join(", ", trainings.Select(t => t.Seed).Distinct());
        string title = $"{preset.Name}: {tasks}, {share} to train on, seed {seeds}";
        var script = new StringBuilder($"""
            set terminal pngcairo size 1600,800 font 'DejaVu Sans,12'
            set output {Gnuplot.Quote(picture)}
            set datafile separator ','
            set datafile missing NaN
            set multiplot title {Gnuplot.Quote(title)} font ',15'
            set grid back lw 1 lc rgb '#dddddd'
            set logscale x
            set xrange [1:{Math.Max(2, trainings.Max(t => t.Done))}]
            set xlabel 'epoch' offset 0,0.5
            set lmargin 8
            set rmargin 2

            """);

        // Half of the picture, its key under it, where no curve is.
        script.AppendLine(CultureInfo.InvariantCulture, $"""
            set size 0.5,0.95
            set origin 0,0
            set title 'accuracy (solid: unseen samples, dashed: training samples)'
            set yrange [-0.02:1.03]
            set key below Left reverse samplen 3 spacing 1.2 maxcols 2
            """);
        Plot(script, trainings, keyed: true, ("metrics", "TestAccuracy", "lw 3"), ("metrics", "TrainAccuracy", "lw 1.5 dt 2"));
        script.AppendLine("set nokey");

        Panel(script, 0.5, 0.475, "loss (solid: unseen, dashed: training)", "set yrange [*:*]; set logscale y; set format y '10^{%L}'");
        Plot(script, trainings, false, ("metrics", "TestLoss", "lw 2"), ("metrics", "TrainLoss", "lw 1.5 dt 2"));
        Panel(script, 0.75, 0.475, "norm of all weights", "set format y '%g'");
        Plot(script, trainings, false, ("metrics", "WeightNorm", "lw 2"));
        Panel(script, 0.5, 0, "losses that are exactly zero (dashed: softmax collapsed)", "unset logscale y; set format y '%g'; set yrange [-0.03:1.03]");
        Plot(script, trainings, false, ("metrics", "ZeroLossFraction", "lw 2"), ("metrics", "CollapseFraction", "lw 1.5 dt 2"));
        Panel(script, 0.75, 0, "cosine of output weights and -gradient", "set yrange [-1.03:1.03]");
        Plot(script, trainings, false, ("layers", "Cosine", "lw 2"));
        script.AppendLine("unset multiplot\nset output");
        return Gnuplot.Draw(script.ToString(), picture);
    }

    private static void Panel(StringBuilder script, double x, double y, string title, string axis) =>
        script.AppendLine(CultureInfo.InvariantCulture, $"set size 0.25,0.475; set origin {x},{y}; set title '{title}' font ',10'; {axis}");

    private static void Plot(StringBuilder script, IReadOnlyList<Training> trainings, bool keyed, params (string File, string Column, string Style)[] curves)
    {
        string[] runs = [.. trainings.Select(t => t.Run.Name).Distinct()];
        var plots = new List<string>();
        foreach ((string file, string column, string style) in curves)
        {
            foreach (Training training in trainings)
            {
                // The softmax of a network that learns by another loss need not be drawn.
                if (column == "CollapseFraction" && training.Run.Experiment.Loss == LossName.Stablemax)
                {
                    continue;
                }

                int color = Array.IndexOf(runs, training.Run.Name);
                bool named = keyed && column == curves[0].Column && training.Seed == trainings.First(t => t.Run == training.Run).Seed;
                string y = file == "layers" ? "(strcol('Layer') eq 'logits.weight' ? column('Cosine') : NaN)" : $"'{column}'";
                plots.Add(
                    $"{Gnuplot.Quote(file == "layers" ? training.LayersPath : training.MetricsPath)} using 'Epoch':{y} with lines {style} " +
                    $"lc rgb '{Colors[color % Colors.Length]}' {(named ? "title " + Gnuplot.Quote(training.Run.Title) : "notitle")}");
            }
        }

        script.AppendLine("plot " + string.Join(", \\\n     ", plots));
    }
}
