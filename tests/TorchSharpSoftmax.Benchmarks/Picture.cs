using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using TorchSharpSoftmax.Examples;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>
/// The summary as a picture: a line for each operator and peer, from its least ratio to its most; under it the memory of what has an excerpt.
/// It is a script with the numbers inside, which is committed beside the picture: what the picture shows can be read, and tested.
/// </summary>
internal static class Picture
{
    internal const string Name = "benchmarks.png", ScriptName = "benchmarks.gnuplot";

    private const int Width = 1600, Line = 26, Above = 92, Between = 104, Below = 48;
    private const string Ours = "#1f77b4", Lost = "#d62728", Torch = "#7f7f7f";

    /// <returns>null when the picture was drawn, otherwise why it was not.</returns>
    public static string? Draw(string folder, string script) => Gnuplot.Draw($"cd {Gnuplot.Quote(Path.GetFullPath(folder))}\n{script}", Path.Combine(folder, Name));

    public static string Script(Machine[] machines)
    {
        var ratios = new List<(string Label, Extreme[] Spread)>();
        var memory = new List<(string Label, string Amount)>();
        foreach ((Machine machine, (Results File, Table Table)[] tables) in Machine.Newest(machines))
        {
            // The processor as a line of its own, over its operators.
            ratios.Add((machine.Name, []));
            ratios.AddRange(
                from one in tables
                from column in one.Table.Columns
                where column.Headline is not null
                let spread = one.File.Spread(one.Table, column)
                where spread.Length > 0
                select ($"{column.Headline!.Operator}  vs  {column.Headline.Against}", spread));
            memory.AddRange(
                from one in tables
                where one.Table.Excerpt is not null
                from cell in one.File.Cells(one.Table, one.Table.Excerpt!.Drawn)
                where one.Table.Excerpt!.Shows(cell.Row)
                select (Regex.Replace(cell.Row, @"(, upstream [^:]*)?, rounds: \d+$", ""), cell.Cell));
        }

        int height = Above + (Line * ratios.Count) + Below + (memory.Count == 0 ? 0 : Between + (Line * memory.Count));
        var script = new StringBuilder();
        script.Append(CultureInfo.InvariantCulture, $"""
            # `gnuplot {ScriptName}` in this folder: the README's summary of the benchmarks. Both are made of the committed results by `./build.sh --target=Bench`.
            set terminal pngcairo noenhanced size {Width},{height} font 'DejaVu Sans,11'
            set output '{Name}'
            set multiplot
            set logscale x
            set grid xtics back lt 1 lw 1 lc rgb '#e4e4e4'
            set style textbox opaque noborder fillcolor rgb '#ffffff' margins 0.3,0.3
            set tics nomirror scale 0.4
            set lmargin at screen 0.52
            set rmargin at screen 0.975
            set nokey

            """);
        double least = ratios.SelectMany(one => one.Spread).Min(one => one.Ratio), most = ratios.SelectMany(one => one.Spread).Max(one => one.Ratio);
        int first = (int)Math.Floor(Math.Log2(least / 1.3)), last = (int)Math.Ceiling(Math.Log2(most * 1.3));
        Panel(script, height, Above, ratios.Count, 56, "Speed relative to the peer at its best setting, one thread: at the shape where the ratio is least, in the middle (large), most. 2 = twice as fast, below 1 we lose.");
        script.AppendLine(CultureInfo.InvariantCulture, $"""
            set xrange [{Power(first)}:{Power(last)}]
            set xtics ({string.Join(", ", Enumerable.Range(first, last - first + 1).Select(Power).Select(power => $"'{power}' {power}"))})
            set arrow 1 from 1, graph 0 to 1, graph 1 nohead back lw 2 lc rgb '#444444'
            set object 1 rectangle from graph 0, graph 0 to 1, graph 1 behind fc rgb '#fdeeee' fs solid noborder
            set label 1 'slower ' at 1, graph 1 right offset 0,0.7 tc rgb '{Lost}'
            set label 2 ' faster' at 1, graph 1 left offset 0,0.7 tc rgb '{Ours}'
            """);
        Ticks(script, ratios.Select(one => one.Spread.Length > 0 ? one.Label : ""));
        // A processor's name stands left of its operators' ticks.
        foreach ((string label, int at) in ratios.Select((one, i) => (one.Label, i)).Where(one => ratios[one.i].Spread.Length == 0))
        {
            script.AppendLine(CultureInfo.InvariantCulture, $"set label {100 + at} {Gnuplot.Quote(label)} at screen 0.012, first {at} font 'DejaVu Sans Bold,11' tc rgb '#555555'");
        }

        script.AppendLine("# least, middle, most, line").AppendLine("$ratios << END");
        foreach (((_, Extreme[] spread), int at) in ratios.Select((one, i) => (one, i)).Where(one => one.one.Spread.Length > 0))
        {
            script.AppendJoin(' ', spread.Select(one => one.Cell.Split(' ')[0])).AppendLine(CultureInfo.InvariantCulture, $" {at}");
        }

        script.AppendLine(CultureInfo.InvariantCulture, $"""
            END
            color(x) = x < 1 ? {Lost.Replace("#", "0x", StringComparison.Ordinal)} : {Ours.Replace("#", "0x", StringComparison.Ordinal)}
            plot $ratios using 1:4:($3-$1):(0) with vectors nohead lw 2 lc rgb '#9a9a9a', \
                 '' using 1:4:(color($1)) with points pt 7 ps 1 lc rgb variable, \
                 '' using 3:4:(color($3)) with points pt 7 ps 1 lc rgb variable, \
                 '' using 2:4:(color($2)) with points pt 7 ps 1.8 lc rgb variable, \
                 '' using 1:4:(strcol(1)):(color($1)) with labels boxed right offset -1.1,0 font ',9' tc rgb variable, \
                 '' using 3:4:(strcol(3)):(color($3)) with labels boxed left offset 1.1,0 font ',9' tc rgb variable
            """);
        if (memory.Count > 0)
        {
            Memory(script, height, Above + (Line * ratios.Count) + Between, memory);
        }

        return script.AppendLine("unset multiplot").ToString().ReplaceLineEndings("\n");
    }

    private static void Memory(StringBuilder script, int height, int top, List<(string Label, string Amount)> memory)
    {
        script.AppendLine().AppendLine("unset arrow; unset object; unset label; set grid ytics; set xtics autofreq; set xrange [256:65536]; set logscale x 2; set format x '%.0f'");
        Panel(script, height, top, memory.Count, 24, "Memory of linear_cross_entropy, forward and backward: MiB of the whole process at its peak (tokens x features x classes)");
        Ticks(script, memory.Select(one => one.Label));
        script.AppendLine("# MiB, line").AppendLine("$memory << END");
        foreach (((string label, string amount), int at) in memory.Select((one, i) => (one, i)))
        {
            script.AppendLine(CultureInfo.InvariantCulture, $"{amount} {at} {(label.StartsWith("ours", StringComparison.Ordinal) ? Ours : Torch).Replace("#", "0x", StringComparison.Ordinal)}");
        }

        script.AppendLine("""
            END
            plot $memory using 1:2:3 with points pt 7 ps 1.8 lc rgb variable, \
                 '' using 1:2:(strcol(1)):3 with labels boxed left offset 1.2,0 font ',9' tc rgb variable
            """);
    }

    private static void Panel(StringBuilder script, int height, int top, int lines, int over, string title) =>
        script.AppendLine(CultureInfo.InvariantCulture, $"""
            set label 3 {Gnuplot.Quote(title)} at screen 0.012, screen {1 - ((double)(top - over) / height):0.0000} font 'DejaVu Sans Bold,12'
            set tmargin at screen {1 - ((double)top / height):0.0000}
            set bmargin at screen {1 - ((double)(top + (Line * lines)) / height):0.0000}
            set yrange [{lines - 0.4:0.0}:-0.6]
            """);

    private static void Ticks(StringBuilder script, IEnumerable<string> labels) =>
        script.AppendLine(CultureInfo.InvariantCulture, $"set ytics ({string.Join(", \\\n    ", labels.Select((label, i) => $"{Gnuplot.Quote(label)} {i}"))})");

    private static string Power(int exponent) => Math.Pow(2, exponent).ToString(CultureInfo.InvariantCulture);
}
