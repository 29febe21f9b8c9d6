using System.Globalization;
using TorchSharpSoftmax.Examples;

namespace Grokking;

/// <summary>Accuracy and loss over epochs (both on a logarithmic axis of epochs), drawn from metrics.csv.</summary>
internal static class Picture
{
    /// <returns>null when the picture was drawn, otherwise why it was not.</returns>
    public static string? Draw(string csv, string picture, Settings s, int epochs)
    {
        string title = string.Create(CultureInfo.InvariantCulture,
            $"(a + b) mod {s.P}, {s.TrainFraction:P0} of the pairs, AdamW lr {s.LearningRate}, weight decay {s.WeightDecay}, seed {s.Seed}");
        string script = $"""
            set terminal pngcairo size 1400,560 font 'DejaVu Sans,11'
            set output {Gnuplot.Quote(picture)}
            set datafile separator ','
            set multiplot layout 1,2 title {Gnuplot.Quote(title)}
            set grid back lw 1 lc rgb '#cccccc'
            set logscale x
            set xrange [1:{epochs}]
            set xlabel 'epoch'
            set key top left
            set ylabel 'accuracy'
            set yrange [0:1.05]
            set format y '%.1f'
            plot {Gnuplot.Quote(csv)} using 'Epoch':'TrainAccuracy' with lines lw 2.5 lc rgb '#1f77b4' title 'train', \
                 '' using 'Epoch':'TestAccuracy' with lines lw 2.5 lc rgb '#d62728' title 'test'
            set key bottom left
            set logscale y
            set format y '10^{"{%L}"}'
            set autoscale y
            set ylabel 'loss (nats)'
            plot {Gnuplot.Quote(csv)} using 'Epoch':'TrainLoss' with lines lw 2.5 lc rgb '#1f77b4' title 'train', \
                 '' using 'Epoch':'TestLoss' with lines lw 2.5 lc rgb '#d62728' title 'test'
            unset multiplot
            set output
            """;
        return Gnuplot.Draw(script, picture);
    }
}
