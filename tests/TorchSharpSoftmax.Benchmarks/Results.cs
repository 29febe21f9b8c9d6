using System.Globalization;
using System.Text.RegularExpressions;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>A folder of results: a processor and its best width.</summary>
internal sealed class Machine
{
    public Machine(string folder)
    {
        Match name = Regex.Match(folder, @"(family-(\d+)-model-(\d+)-)?(\d+)-bit$");
        int Number(int group) => int.Parse("0" + name.Groups[group].Value, CultureInfo.InvariantCulture);
        Bits = Number(4);
        Age = (Bits, Number(2), Number(3));
        Files = [.. Directory.GetFiles(folder, "*.md").Select(path => new Results(path)).OrderBy(f => f.Order)];
        Name = $"{Files[0].Processor}, {Bits} bits";
    }

    public string Name { get; }

    public int Bits { get; }

    /// <summary>What tells a newer processor from an older one: the wider, then the higher family and model.</summary>
    public (int Bits, int Family, int Model) Age { get; }

    public Results[] Files { get; }

    public static Machine[] All(string results) => [.. Directory.GetDirectories(results).Order(StringComparer.Ordinal).Select(folder => new Machine(folder))];

    /// <summary>At the best width, on one thread, with memory as it is.</summary>
    public IEnumerable<Results> Best() => Files.Where(file => file.Name.EndsWith($"-{Bits}-bit-1-thread", StringComparison.Ordinal));

    /// <summary>The tables that were measured on one thread, each operator's on the newest processor that it was measured on; the newest first.</summary>
    public static IEnumerable<(Machine Machine, (Results File, Table Table)[] Tables)> Newest(Machine[] machines)
    {
        var seen = new HashSet<string>();
        foreach (Machine machine in machines.OrderByDescending(machine => machine.Age))
        {
            (Results File, Table Table)[] tables = [.. machine.Best().SelectMany(file => file.Tables.Select(table => (file, table))).Where(one => !seen.Contains(one.table.Operator))];
            seen.UnionWith(tables.Select(one => one.Table.Operator));
            if (tables.Length > 0)
            {
                yield return (machine, tables);
            }
        }
    }
}

/// <summary>A row's cell of a column of ratios, and the number in it: the median.</summary>
internal readonly record struct Extreme(double Ratio, string Cell, string Row)
{
    public string Short => $"{Cell.Split(' ')[0]} at {Row}";
}

/// <summary>A file that <see cref="Report"/> wrote.</summary>
internal sealed class Results(string path)
{
    private readonly string[] _lines = File.ReadAllLines(path);

    public string Name { get; } = Path.GetFileNameWithoutExtension(path);

    public string Processor => _lines[2].Split(", .NET")[0];

    public string[] Sections => [.. _lines.Where(line => line.StartsWith("## ", StringComparison.Ordinal)).Select(line => line[3..])];

    public Table[] Tables => [.. Table.All.Where(table => Sections.Contains(table.Name))];

    /// <summary>Wide before narrow, one thread before two, plain before kept blocks.</summary>
    public (int Narrowness, string Name) Order => (-int.Parse("0" + Regex.Match(Name, @"(\d+)-bit").Groups[1].Value, CultureInfo.InvariantCulture), Name);

    public string Link(string root) => Path.GetRelativePath(root, path).Replace('\\', '/');

    public IEnumerable<string> Lines(Table table) =>
        _lines.SkipWhile(line => line != $"## {table.Name}").Skip(1).SkipWhile(line => line.Length == 0).TakeWhile(line => line.StartsWith('|'));

    /// <summary>The rows' first, then the time's, then those of the columns.</summary>
    public string[] Titles(Table table) => Split(Lines(table).First());

    /// <summary>A column's cells with their rows' names, without those where nothing was measured.</summary>
    public (string Row, string Cell)[] Cells(Table table, string column)
    {
        string[][] rows = [.. Lines(table).Select(Split)];
        int at = rows.Length == 0 ? -1 : Array.IndexOf(rows[0], column);
        return at < 0 ? [] : [.. rows.Skip(2).Where(row => row[at] != "–").Select(row => (row[0], row[at]))];
    }

    /// <summary>The cells of a column that are least, in the middle and most; none where nothing of the column was measured.</summary>
    public Extreme[] Spread(Table table, Column column)
    {
        Extreme[] cells =
        [
            .. from cell in Cells(table, column.Title)
               let ratio = double.Parse(cell.Cell.Split(' ')[0], CultureInfo.InvariantCulture)
               orderby ratio
               select new Extreme(ratio, cell.Cell, cell.Row),
        ];
        return cells.Length == 0 ? [] : [cells[0], cells[(cells.Length - 1) / 2], cells[^1]];
    }

    private static string[] Split(string line) => line.Trim('|', ' ').Split(" | ");
}
