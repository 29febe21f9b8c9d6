using System.Globalization;
using System.Text.RegularExpressions;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>A ratio of speeds as a table shows it: the median of the rounds, the least and the most.</summary>
internal readonly record struct Ratio(double Median, double Least, double Most)
{
    public static Ratio? Parse(string cell)
    {
        Match match = Regex.Match(cell, @"^(\d+\.\d+) \((\d+\.\d+)–(\d+\.\d+)\)$");
        double Number(int group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);
        return match.Success ? new(Number(1), Number(2), Number(3)) : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Median:0.00} ({Least:0.00}–{Most:0.00})");
}

/// <summary>A cell of a table, committed and as it is now; one of the two may be absent.</summary>
internal sealed record Compared(string Table, string Row, string Column, Ratio? Committed, Ratio? Now)
{
    /// <summary>So much slower than its spread allows may a quiet ratio be.</summary>
    private const double Tolerance = 0.9;

    /// <summary>A spread wider than this is an accident of a round, which must not hide a loss: what is half as fast as it was is always found.</summary>
    private const double WidestSpread = 0.75;

    /// <summary>What two digits after the point hide.</summary>
    private const double Rounding = 0.01;

    /// <summary>Even the best round of now is slower than the worst one that is committed, by more than the tolerance.</summary>
    public bool Regressed => Committed is { } then && Now is { } now
        && Math.Min(now.Most, now.Median / WidestSpread) < (Tolerance * Math.Max(then.Least, then.Median * WidestSpread)) - Rounding;

    /// <summary>It is committed, but is not measured any more, or could not be.</summary>
    public bool Missing => Committed is not null && Now is null;

    public bool Fails => Regressed || Missing;

    public override string ToString() => $"{(Regressed ? "SLOWER " : Missing ? "MISSING" : "ok     ")} {Table}, {Row}, {Column}: "
        + $"{(Now is { } now ? now.ToString() : "not measured")}, committed {(Committed is { } then ? then.ToString() : "not yet")}";
}

/// <summary>The gate: ratios, not times, of one process beside those that are committed for the same processor, width, threads and allocator.</summary>
internal static class Regressions
{
    /// <summary>What seems slower is measured again so often before it is called that: noise does not come back.</summary>
    private const int Repetitions = 2;

    /// <summary>Measures an operator and tells what of it is slower than committed.</summary>
    /// <returns>The exit code: 0, or 1 where a ratio regressed or went missing; null where nothing was measured.</returns>
    public static int? Check(string committedFolder, string folder, string name, Settings settings, Table[] tables, int rounds, string[] filters)
    {
        tables = [.. tables.Where(table => table.Columns.Any(column => column.HasPeer))];
        if (tables.Length == 0)
        {
            Console.WriteLine($"{name} has no ratio to a peer: nothing to compare.");
            return 0;
        }

        string file = settings.FileName(name), path = Path.Combine(committedFolder, Settings.Folder, file + ".md");
        if (!File.Exists(path))
        {
            Console.WriteLine($"There are no committed results of {file} on this processor ({Settings.Folder}): nothing to compare.");
            return 0;
        }

        var committed = new Results(path);
        List<Measurement> all = Rounds.Run(tables, rounds, filters);
        Compared[] compared = [];
        for (int repetition = 0; all.Count > 0; repetition++)
        {
            compared = Compare(committed, new Results(Report.Write(folder, name, settings, rounds, all, again: repetition > 0)), isPart: filters is not ["*"]);
            HashSet<(string Table, string Row)> slower = [.. compared.Where(one => one.Regressed).Select(one => (one.Table, one.Row))];
            if (slower.Count == 0 || repetition == Repetitions)
            {
                break;
            }

            Console.WriteLine($"{slower.Count} rows seem slower than committed and are measured again");
            all.AddRange(Rounds.Run(
                [.. tables.Where(table => slower.Any(row => row.Table == table.Name))], rounds, filters, (repetition + 1) * rounds, (table, row) => slower.Contains((table.Name, row.ToString()!))));
        }

        if (all.Count == 0)
        {
            return null;
        }

        Console.WriteLine(Summary(file, compared));
        return compared.Any(one => one.Fails) ? 1 : 0;
    }

    /// <summary>All ratios to a peer that either file has.</summary>
    /// <param name="committed">The results as committed.</param>
    /// <param name="now">The results of now.</param>
    /// <param name="isPart">Only some rows were to be measured: those that were not are not missed.</param>
    public static Compared[] Compare(Results committed, Results now, bool isPart = false)
    {
        var found = new List<Compared>();
        foreach (string section in committed.Sections.Union(now.Sections))
        {
            if (Table.All.FirstOrDefault(table => table.Name == section) is not { } table)
            {
                found.Add(new(section, "the whole table", "all columns", new(), null));
                continue;
            }

            foreach (Column column in table.Columns.Where(column => column.HasPeer))
            {
                Dictionary<string, Ratio?> then = Ratios(committed, table, column), today = Ratios(now, table, column);
                found.AddRange(then.Keys.Union(today.Keys).Select(row => new Compared(section, row, column.Title, then.GetValueOrDefault(row), today.GetValueOrDefault(row))));
            }
        }

        return [.. found.Where(one => !isPart || !one.Missing)];
    }

    /// <summary>What regressed, what is missing, and how many ratios are as good as they were.</summary>
    public static string Summary(string file, Compared[] compared)
    {
        int good = compared.Count(one => !one.Fails && one.Committed is not null), added = compared.Count(one => one.Committed is null);
        return string.Join('\n',
        [
            .. compared.Where(one => one.Fails).Select(one => $"  {one}"),
            $"{file}: {good} ratios as committed or better, {compared.Count(one => one.Regressed)} slower, {compared.Count(one => one.Missing)} missing, {added} not committed yet",
        ]);
    }

    /// <summary>By the row's name, whatever the number of rounds that it was measured in.</summary>
    private static Dictionary<string, Ratio?> Ratios(Results file, Table table, Column column) =>
        file.Cells(table, column.Title).ToDictionary(cell => Regex.Replace(cell.Row, @", rounds: \d+$", ""), cell => Ratio.Parse(cell.Cell));
}
