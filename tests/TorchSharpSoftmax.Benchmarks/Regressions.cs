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

/// <summary>A cell of a table as it is committed, absent where it is not, and the ratios of the rounds of now, in ascending order.</summary>
internal sealed record Compared(string Table, string Row, string Column, Ratio? Committed, double[] Now)
{
    /// <summary>So much less than its spread allows may a ratio be.</summary>
    private const double Tolerance = 0.9;

    /// <summary>A spread wider than this is an accident of one committed round, which must not hide a loss.</summary>
    private const double WidestSpread = 0.75;

    /// <summary>What two digits after the point hide.</summary>
    private const double Rounding = 0.01;

    /// <summary>Three quarters of the rounds of now, all of three, are less than the least one that is committed, by more than the tolerance: the others are accidents.</summary>
    public bool Regressed => Committed is { } then && Now.Length > 0
        && Now[(int)Math.Ceiling(0.75 * Now.Length) - 1] < (Tolerance * Math.Max(then.Least, then.Median * WidestSpread)) - Rounding;

    /// <summary>It is committed, but is not measured any more, or could not be.</summary>
    public bool Missing => Committed is not null && Now.Length == 0;

    public bool Fails => Regressed || Missing;

    public override string ToString() => $"{(Regressed ? "SLOWER" : Missing ? "MISSING" : "good")}: {Table}, {Row}, {Column}: "
        + $"{(Now.Length > 0 ? $"{new Ratio(Report.Median(Now), Now[0], Now[^1])} in {Now.Length} round(s)" : "not measured")}, {(Committed is { } then ? $"committed {then}" : "not committed yet")}";
}

/// <summary>The gate: ratios, not times, of one process beside those that are committed for the same processor, width, threads and allocator.</summary>
internal static class Regressions
{
    /// <summary>The exit code where no committed result covers the process: the door goes on, and says so in the end.</summary>
    internal const int NothingToCompare = 4;

    /// <summary>What seems slower is measured again so often before it is called that: noise does not come back.</summary>
    private const int Repetitions = 2;

    /// <summary>Measures an operator and tells what of it is slower than committed.</summary>
    /// <returns>The exit code: 0, 1 where a ratio regressed or went missing, <see cref="NothingToCompare"/>; null where nothing was measured.</returns>
    public static int? Check(string committedFolder, string name, Settings settings, Table[] tables, int rounds, string[] filters)
    {
        tables = [.. tables.Where(table => table.Columns.Any(column => column.HasPeer))];
        if (tables.Length == 0)
        {
            Console.WriteLine($"{name} has no ratio to a peer: nothing to compare.");
            return NothingToCompare;
        }

        string file = settings.FileName(name), path = Path.Combine(committedFolder, Settings.Folder, file + ".md");
        if (!File.Exists(path))
        {
            Console.WriteLine($"There are no committed results of {file} on this processor ({Settings.Folder}): nothing to compare.");
            return NothingToCompare;
        }

        var committed = new Results(path);
        List<Measurement> all = Rounds.Run(tables, rounds, filters);
        Compared[] compared = [];
        for (int repetition = 0; all.Count > 0; repetition++)
        {
            compared = Compare(committed, all, isPart: filters is not ["*"]);
            HashSet<(string Table, string Row)> slower = [.. compared.Where(one => one.Regressed).Select(one => (one.Table, one.Row))];
            if (slower.Count == 0 || repetition == Repetitions)
            {
                break;
            }

            Console.WriteLine($"{slower.Count} row(s) seem slower than committed and are measured again");
            Table[] again = [.. tables.Where(table => slower.Any(row => row.Table == table.Name))];
            all.AddRange(Rounds.Run(again, rounds, filters, first: (repetition + 1) * rounds, (table, row) => slower.Contains((table.Name, row.ToString()!))));
        }

        if (all.Count == 0)
        {
            return null;
        }

        Console.WriteLine(Summary(file, compared));
        return compared.Any(one => one.Fails) ? 1 : 0;
    }

    /// <summary>All ratios to a peer that are committed or measured now.</summary>
    /// <param name="committed">The results as committed.</param>
    /// <param name="now">What was measured now.</param>
    /// <param name="isPart">Only some rows were to be measured: those that were not are not missed.</param>
    public static Compared[] Compare(Results committed, IReadOnlyCollection<Measurement> now, bool isPart = false)
    {
        var found = new List<Compared>();
        foreach (Table table in Table.All)
        {
            ILookup<string, Measurement> rows = now.Where(m => m.Table == table.Type).ToLookup(m => m.Case.ToString()!);
            foreach (Column column in table.Columns.Where(column => column.HasPeer))
            {
                // By the row's name, whatever the number of rounds that it was measured in.
                Dictionary<string, Ratio?> then = committed.Cells(table, column.Title).ToDictionary(cell => Regex.Replace(cell.Row, @", rounds: \d+$", ""), cell => Ratio.Parse(cell.Cell));
                found.AddRange(
                    from row in then.Keys.Union(rows.Select(row => row.Key))
                    let values = column.Values(rows[row].ToLookup(m => m.Variant)).Order().ToArray()
                    where then.ContainsKey(row) || values.Length > 0
                    select new Compared(table.Name, row, column.Title, then.GetValueOrDefault(row), values));
            }
        }

        // A table or a column that is renamed or gone takes its ratios along.
        found.AddRange(committed.Sections.Except(Table.All.Select(table => table.Name)).Select(section => new Compared(section, "all rows", "all columns", new Ratio(), [])));
        found.AddRange(
            from table in committed.Tables
            from title in committed.Titles(table).Skip(2).Except(table.Columns.Select(column => column.Title))
            select new Compared(table.Name, "all rows", title, new Ratio(), []));
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
}
