using System.Globalization;
using System.Text.RegularExpressions;

namespace TorchSharpSoftmax.Tests;

/// <summary>The measurements that the README and the page of benchmarks show are those of the committed results.</summary>
public sealed class ReadmeTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/benchmarks.md")]
    public void Every_measured_row_stands_in_a_committed_result(string page)
    {
        HashSet<string> measured = [.. Directory.GetFiles(Results, "*.md", SearchOption.AllDirectories).SelectMany(File.ReadLines)];
        string[] rows = [.. Measured(page).Where(row => !row.StartsWith("| [", StringComparison.Ordinal))];
        Assert.All(rows, row => Assert.Contains(row, measured));
        Assert.NotEmpty(rows);
    }

    /// <summary>A line of the summary: a link to a table, then cells of one of its columns, the least, the one in the middle and the most, each with its row.</summary>
    [Fact]
    public void Every_line_of_the_summary_is_least_middle_and_most_of_a_committed_table()
    {
        string[] lines = [.. Measured("README.md").Where(row => row.StartsWith("| [", StringComparison.Ordinal))];
        Assert.NotEmpty(lines);
        foreach (string line in lines)
        {
            Match link = Regex.Match(line, @"^\| \[[^]]+\]\((.+)#(.+?)\) \|");
            string[][] table = TableOf(Path.Combine(Repository.Root, link.Groups[1].Value), link.Groups[2].Value);
            string[] shown = Cells(line)[2..];
            Assert.Contains(Enumerable.Range(2, table[0].Length - 2), column => shown.SequenceEqual(Spread(table, column)));
        }
    }

    private static string Results => Path.Combine(Repository.Root, "tests", "TorchSharpSoftmax.Benchmarks", "results");

    /// <summary>The README's other tables are nobody's measurements of speed.</summary>
    private static IEnumerable<string> Measured(string page) =>
        File.ReadLines(Path.Combine(Repository.Root, page))
            .SkipWhile(line => page == "README.md" && line != "<!-- benchmarks:begin -->").TakeWhile(line => line != "<!-- benchmarks:end -->")
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal) && line != "| operator | against | least | middle | most |");

    private static string[][] TableOf(string file, string name) =>
    [
        .. File.ReadLines(file).SkipWhile(line => !line.Equals("## " + name, StringComparison.OrdinalIgnoreCase)).Skip(2)
            .TakeWhile(line => line.StartsWith('|')).Where(line => !line.StartsWith("|--", StringComparison.Ordinal)).Select(Cells),
    ];

    private static string[] Spread(string[][] table, int column)
    {
        string[][] rows = [.. table[1..].Where(row => char.IsDigit(row[column][0])).OrderBy(row => double.Parse(row[column].Split(' ')[0], CultureInfo.InvariantCulture))];
        return rows.Length == 0 ? [] : [.. new[] { rows[0], rows[(rows.Length - 1) / 2], rows[^1] }.Select(row => $"{row[column].Split(' ')[0]} at {row[0]}")];
    }

    private static string[] Cells(string row) => [.. row.Trim('|', ' ').Split(" | ").Select(cell => cell.Trim())];
}
