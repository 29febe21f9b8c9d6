using System.Globalization;
using System.Text;
using TorchSharpSoftmax.Examples;

namespace LanguageModel;

/// <summary>The losses of both runs over each other, large; memory, speed and the probabilities by rank beside them.</summary>
internal static class Picture
{
    private static readonly Dictionary<LossName, string> Colors = new() { [LossName.LinearCrossEntropy] = "#d62728", [LossName.CrossEntropy] = "#1f77b4" };

    /// <returns>null when the picture was drawn, otherwise why it was not.</returns>
    public static string? Draw(string picture, Options options, Text text, Training[] trainings, Outcome[] outcomes, Sparsity? sparsity)
    {
        string title = string.Create(CultureInfo.InvariantCulture,
            $"A GPT on WordNet's definitions: vocabulary {text.Vocabulary.Length:N0}, width {options.Experiment.Width}, {options.Experiment.Tokens:N0} tokens a step");
        var script = new StringBuilder($"""
            set terminal pngcairo size 1600,800 font 'DejaVu Sans,12'
            set output {Gnuplot.Quote(picture)}
            set datafile separator ','
            set datafile missing ''
            set multiplot title {Gnuplot.Quote(title)} font ',15'
            set grid back lw 1 lc rgb '#dddddd'
            set lmargin 8
            set rmargin 2
            set size 0.5,0.95
            set origin 0,0
            set title 'loss (line: training batches, points: definitions held out)'
            set xlabel 'step' offset 0,0.5
            set ylabel 'nats a word' offset 1,0
            set key inside top right Left reverse samplen 3 spacing 1.2

            """);
        // The first run lies wide below the second, so that both are seen where they are the same.
        var plots = new List<string>();
        foreach ((Training training, int i) in trainings.Select((t, i) => (t, i)))
        {
            string curve = $"{Gnuplot.Quote(training.MetricsPath)} using 'Step':";
            string color = $"lc rgb '{Colors[training.Loss]}'";
            plots.Add($"{curve}'TrainLoss' with lines {(i == 0 ? "lw 8" : "lw 2")} {color} title {Gnuplot.Quote(Losses.Title(training.Loss))} noenhanced");
            plots.Add($"{curve}'ValidationLoss' with points {(i == 0 ? "pt 7 ps 2.2" : "pt 7 ps 1")} {color} notitle");
        }

        script.AppendLine("plot " + string.Join(", \\\n     ", plots));
        script.AppendLine("set nokey; unset xlabel; unset ylabel; set style fill solid; set boxwidth 0.6; set grid noxtics");
        Bars(script, 0.5, "peak memory of the process, MiB", trainings, outcomes.Select(o => o.PeakMiB));
        Bars(script, 0.75, "tokens per second", trainings, outcomes.Select(o => o.TokensPerSecond));
        if (sparsity is not null)
        {
            script.AppendLine(CultureInfo.InvariantCulture, $"""
                set size 0.5,0.475; set origin 0.5,0; set grid xtics
                set title 'the trained head: mean probability of a word by its rank; {sparsity.KeptShare * 100:0.00} % are at least 2^{'{'}-12{'}'}' font ',10'
                set logscale xy; set format y '10^{'{'}%L{'}'}'; set xtics auto enhanced font ',12'; set ytics auto; set xlabel 'rank' offset 0,0.5
                set xrange [1:{sparsity.Classes}]; set yrange [*:1]
                set label '2^{'{'}-12{'}'}' at {sparsity.Classes},{Losses.Threshold} right offset -1,0.7
                plot {Gnuplot.Quote(Sparsity.PathIn(options.Out))} using 'Rank':'MeanProbability' with lines lw 3 lc rgb '{Colors[trainings[0].Loss]}', \
                     {Losses.Threshold} with lines lw 1.5 dt 2 lc rgb '#7f7f7f'
                """);
        }

        script.AppendLine("unset multiplot\nset output");
        return Gnuplot.Draw(script.ToString(), picture);
    }

    /// <summary>One bar for each run, with its number on it.</summary>
    private static void Bars(StringBuilder script, double x, string title, Training[] trainings, IEnumerable<double> values)
    {
        double[] numbers = [.. values];
        script.AppendLine(CultureInfo.InvariantCulture, $"set size 0.25,0.475; set origin {x},0.475; set title '{title}' font ',10'; set xrange [-0.5:{trainings.Length - 0.5}]; set yrange [0:{1.15 * numbers.Max()}]");
        script.AppendLine("set xtics (" + string.Join(", ", trainings.Select((t, i) => $"{Gnuplot.Quote(Losses.Title(t.Loss))} {i}")) + ") noenhanced font ',9'");
        script.AppendLine("$bars << EOD");
        foreach ((double value, int i) in numbers.Select((v, i) => (v, i)))
        {
            script.AppendLine(CultureInfo.InvariantCulture, $"{i},{value:0},0x{Colors[trainings[i].Loss][1..]}");
        }

        script.AppendLine("EOD\nplot $bars using 1:2:3 with boxes lc rgb variable, $bars using 1:2:(sprintf('%.0f', $2)) with labels offset 0,0.7");
    }
}
