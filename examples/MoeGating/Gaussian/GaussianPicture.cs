using System.Globalization;
using System.Text;
using TorchSharpSoftmax.Examples;

namespace MoeGating;

/// <summary>Errors over the number of observations: of the gate, of the density, of a top-1 gate; and the eigenvalues by activation.</summary>
internal static class GaussianPicture
{
    private static readonly string[] Colors = ["#d62728", "#ff7f0e", "#1f77b4", "#2ca02c", "#7f7f7f"];

    /// <returns>null when the picture was drawn, otherwise why it was not.</returns>
    public static string? Draw(string picture, GaussianStudy study)
    {
        int[] sizes = [.. study.Estimates.Select(r => r.N).Distinct().Order()];
        int repetitions = study.Estimates.Select(r => r.Repetition).Distinct().Count();
        string title = $"Maximum likelihood of a mixture of two Gaussian experts: medians of {repetitions} samples, lines fitted to them";
        var script = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"""
            set terminal pngcairo size 1600,900 font 'DejaVu Sans,12'
            set output {Gnuplot.Quote(picture)}
            set multiplot title {Gnuplot.Quote(title)} font ',15'
            set grid back lw 1 lc rgb '#dddddd'
            set lmargin 9; set rmargin 3
            set logscale xy
            set xrange [{sizes[0] / 1.3}:{sizes[^1] * 1.3}]
            set xtics (1e2, 3e2, 1e3, 3e3, 1e4, 3e4, 1e5, 3e5, 1e6); set format x '%.0f'
            set key below Left reverse samplen 2 spacing 1.1 maxcols 2

            """));
        Panel(script, 0, 0.46, 0.5, 0.49, "error of the gate, |beta - truth| + |temperature - truth|, over the observations");
        Curves(script, GaussianGate.All.Select(g => (Curve(study, g, GaussianSlopes.OfGate, r => r.GateError), g.Title)));
        Panel(script, 0.5, 0.46, 0.5, 0.49, "Hellinger distance of the density to the truth, over the observations");
        Curves(script, GaussianGate.All.Select(g => (Curve(study, g, GaussianSlopes.OfDensity, r => r.Hellinger), g.Title)));
        Panel(script, 0.5, 0, 0.5, 0.46, "errors of a top-1 gate and its experts, over the observations");
        Curves(script,
        [
            ((Slope(study, GaussianSlopes.Top1, GaussianSlopes.OfBoundary), SlopeRow.Medians(study.Boundaries.Select(r => (r.N, r.BoundaryError)))), "boundary"),
            ((Slope(study, GaussianSlopes.Top1, GaussianSlopes.OfExperts), SlopeRow.Medians(study.Boundaries.Select(r => (r.N, r.ExpertError)))), "experts"),
        ]);
        Eigenvalues(script, study.Fisher);
        script.AppendLine("unset multiplot\nset output");
        return Gnuplot.Draw(script.ToString(), picture);
    }

    private static void Panel(StringBuilder script, double x, double y, double width, double height, string title) =>
        script.AppendLine(CultureInfo.InvariantCulture, $"set size {width},{height}; set origin {x},{y}; set title '{title}'; set format y '10^{'{'}%L{'}'}'");

    private static (SlopeRow Slope, IEnumerable<(int N, double Median)> Points) Curve(GaussianStudy study, GaussianGate gate, string error, Func<EstimateRow, double> of) =>
        (Slope(study, gate.Name, error), SlopeRow.Medians(study.Estimates.Where(r => r.Gate == gate.Name).Select(r => (r.N, of(r)))));

    private static SlopeRow Slope(GaussianStudy study, string estimate, string error) => study.Slopes.First(s => s.Estimate == estimate && s.Error == error);

    /// <summary>Points with the line through them, whose slope stands in the key.</summary>
    private static void Curves(StringBuilder script, IEnumerable<((SlopeRow Slope, IEnumerable<(int N, double Median)> Points), string Title)> curves)
    {
        var plots = new List<string>();
        foreach ((((SlopeRow slope, IEnumerable<(int N, double Median)> points), string title), int i) in curves.Select((c, i) => (c, i)))
        {
            (int N, double Median)[] all = [.. points];
            script.AppendLine(CultureInfo.InvariantCulture, $"$points{i} << EOD");
            Array.ForEach(all, p => script.AppendLine(CultureInfo.InvariantCulture, $"{p.N} {p.Median}"));
            script.AppendLine("EOD");
            double offset = all.Average(p => Math.Log(p.Median)) - (slope.Slope * all.Average(p => Math.Log(p.N)));
            string name = string.Create(CultureInfo.InvariantCulture, $"{title}: slope {slope.Slope:0.00} ± {slope.StandardError:0.00}");
            plots.Add(string.Create(CultureInfo.InvariantCulture, $"exp({offset} + {slope.Slope} * log(x)) with lines lw 2 lc rgb '{Colors[i]}' notitle"));
            plots.Add($"$points{i} with points pt {(i == 4 ? 4 : 7)} ps 1.4 lc rgb '{Colors[i]}' title {Gnuplot.Quote(name)}");
        }

        script.AppendLine("plot " + string.Join(", \\\n     ", plots));
    }

    private static void Eigenvalues(StringBuilder script, IReadOnlyList<FisherRow> fisher)
    {
        const double Floor = 1e-17; // rounding leaves some below 0
        Panel(script, 0, 0, 0.5, 0.46, "smallest eigenvalue of the Fisher information, by the gate''s activation");
        script.AppendLine(CultureInfo.InvariantCulture, $"unset logscale x; set nokey; set style fill solid; set boxwidth 0.7; set xrange [-0.6:{fisher.Count - 0.4}]; set yrange [{Floor}:3]");
        script.AppendLine("set grid noxtics; set xtics rotate by -35 (" + string.Join(", ", fisher.Select((f, i) => $"'{f.Activation}' {i}")) + ")");
        script.AppendLine("$bars << EOD");
        foreach ((FisherRow row, int i) in fisher.Select((f, i) => (f, i)))
        {
            script.AppendLine(CultureInfo.InvariantCulture, $"{i} {Math.Max(Math.Abs(row.SmallestEigenvalue), 2 * Floor)} {(row.Homogeneous ? "0xd62728" : "0x1f77b4")}");
        }

        script.AppendLine("EOD\nset label 'homogeneous: 0 but for rounding' at 9.5,1e-12 center tc rgb '#d62728'");
        script.AppendLine("plot $bars using 1:2:3 with boxes lc rgb variable\nunset label");
    }
}
