using System.Text.RegularExpressions;
using ReadmeSnippets;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>Every C# snippet of the README stands, word for word, in a file of <c>Readme/</c> that compiles with the snippet's own usings, and runs.</summary>
public sealed class ReadmeTests
{
    private static readonly Func<bool>[] Runs = [ReadmeSnippet1.Run, ReadmeSnippet2.Run];

    [Fact]
    public void Every_snippet_of_the_README_compiles_and_runs()
    {
        string root = Repository.Root;
        var snippets = Regex.Matches(File.ReadAllText(Path.Combine(root, "README.md")), "```csharp\n(.*?)```", RegexOptions.Singleline);
        Assert.Equal(Runs.Length, snippets.Count);
        for (int i = 0; i < Runs.Length; i++)
        {
            string file = Path.Combine(root, "tests", "TorchSharpSoftmax.Tests", "Readme", $"ReadmeSnippet{i + 1}.cs");
            string compiled = string.Join('\n', File.ReadLines(file).Select(line => line.Trim()));
            string[] lines = [.. snippets[i].Groups[1].Value.Split('\n').Select(line => line.Trim())];
            string[] usings = [.. lines.Where(line => line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';') && !line.Contains('='))];
            string statements = string.Join('\n', lines.Where(line => !usings.Contains(line))).Trim();
            Assert.NotEmpty(statements);
            Assert.Equal(usings, compiled.Split('\n').TakeWhile(line => line.Length > 0));
            Assert.Contains(statements, compiled, StringComparison.Ordinal);

            using var scope = NewDisposeScope();
            Assert.True(Runs[i]());
        }
    }

    [Fact]
    public void Every_measured_row_of_the_README_stands_in_a_committed_result()
    {
        string readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        string section = Regex.Match(readme, "<!-- benchmarks:begin -->(.*?)<!-- benchmarks:end -->", RegexOptions.Singleline).Groups[1].Value;
        string[] rows = [.. section.Split('\n').Where(line => Regex.IsMatch(line, @"^\| .*\d\.\d\d"))];
        string results = Path.Combine(Repository.Root, "tests", "TorchSharpSoftmax.Benchmarks", "results");
        HashSet<string> measured = [.. Directory.GetFiles(results, "*.md", SearchOption.AllDirectories).SelectMany(File.ReadLines)];
        Assert.NotEmpty(rows);
        Assert.All(rows, row => Assert.Contains(row, measured));
    }
}
