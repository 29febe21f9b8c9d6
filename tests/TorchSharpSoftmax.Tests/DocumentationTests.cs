using System.Reflection;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>The README and the pages under <c>docs</c>: what they show runs, what they link is there, and no operator is without a page.</summary>
[BestWidthOnly]
public sealed class DocumentationTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "docs");

    /// <summary>Paths from the repository's root, the README first.</summary>
    public static TheoryData<string> Pages =>
    [
        "README.md",
        .. Directory.GetFiles(Folder, "*.md", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/')).Order(StringComparer.Ordinal),
    ];

    /// <summary>A snippet stands, word for word, in a file of <c>Snippets/</c> that compiles with the snippet's own usings; it runs, and gives what its comments say.</summary>
    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_snippet_of_a_page_compiles_and_runs(string page)
    {
        var snippets = Regex.Matches(Text(page), "```csharp\n(.*?)```", RegexOptions.Singleline);
        string name = NameOf(page);
        string[] files = Directory.GetFiles(Path.Combine(Repository.Root, "tests", "TorchSharpSoftmax.Tests", "Snippets"), $"{name}Snippet*.cs");
        int classes = files.Count(file => Regex.IsMatch(Path.GetFileName(file), $@"^{name}Snippet\d+\.cs$"));
        Assert.True(classes == snippets.Count, $"{page} has {snippets.Count} snippets, and {classes} of the classes Snippets/{name}Snippet1.cs and so on run them.");
        for (int i = 0; i < snippets.Count; i++)
        {
            string file = Path.Combine(Repository.Root, "tests", "TorchSharpSoftmax.Tests", "Snippets", $"{name}Snippet{i + 1}.cs");
            string compiled = string.Join('\n', File.ReadLines(file).Select(line => line.Trim()));
            string[] lines = [.. snippets[i].Groups[1].Value.Split('\n').Select(line => line.Trim())];
            string[] usings = [.. lines.Where(line => line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';') && !line.Contains('='))];
            string statements = string.Join('\n', lines.Where(line => !usings.Contains(line))).Trim();
            Assert.NotEmpty(statements);
            Assert.Equal(usings, compiled.Split('\n').TakeWhile(line => line.Length > 0));
            Assert.Contains(statements, compiled, StringComparison.Ordinal);
            Assert.True(Run($"Snippets.{name}Snippet{i + 1}"), $"Snippet {i + 1} of {page} does not give what it says.");
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_of_a_page_leads_somewhere(string page)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Repository.Root, page))!;
        foreach (Match link in Regex.Matches(WithoutCode(Text(page)), @"\]\(([^)\s]+)\)"))
        {
            string[] parts = link.Groups[1].Value.Split('#');
            if (parts[0].StartsWith("https://", StringComparison.Ordinal))
            {
                continue;
            }

            string target = parts[0].Length == 0 ? Path.Combine(Repository.Root, page) : Path.GetFullPath(Path.Combine(folder, parts[0]));
            Assert.True(File.Exists(target), $"{page} links {link.Groups[1].Value}, and there is no such file.");
            if (parts.Length > 1)
            {
                var anchors = File.ReadLines(target).Where(line => line.StartsWith('#')).Select(Anchor);
                Assert.True(anchors.Contains(parts[1]), $"{page} links {link.Groups[1].Value}, and there is no such heading.");
            }
        }
    }

    [Fact]
    public void Every_page_stands_in_the_list_of_pages()
    {
        foreach (string page in Pages.Select(row => row.Data).Where(page => page is not ("README.md" or "docs/README.md")))
        {
            string inDocs = page["docs/".Length..];
            AssertNames("docs/README.md", $"]({inDocs})");
            if (inDocs.StartsWith("operators/", StringComparison.Ordinal))
            {
                AssertNames("README.md", $"]({page})");
                AssertNames("docs/toc.yml", $"href: {inDocs}");
            }
        }

        Assert.Contains("](docs/README.md)", Text("README.md"), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_public_operator_is_named_on_a_page()
    {
        string pages = string.Concat(Pages.Select(row => Text(row.Data)));
        string[] names = [.. typeof(Operators).GetMethods(BindingFlags.Public | BindingFlags.Static).Select(method => method.Name).Distinct()];
        Assert.Contains("two_pass_softmax", names);
        string unnamed = string.Join(", ", names.Where(name => !Regex.IsMatch(pages, $@"\b{name}\b")));
        Assert.True(unnamed.Length == 0, $"No page names {unnamed}.");
    }

    private static void AssertNames(string list, string page) => Assert.True(Text(list).Contains(page, StringComparison.Ordinal), $"{list} has no '{page}'.");

    private static bool Run(string snippet)
    {
        var type = Type.GetType(snippet) ?? throw new InvalidOperationException($"There is no class {snippet}.");
        var console = Console.Out;
        using var written = new StringWriter();
        using var scope = NewDisposeScope();
        Console.SetOut(written);
        manual_seed(1);
        try
        {
            return (bool)type.GetMethod("Run", BindingFlags.Static | BindingFlags.NonPublic)!.Invoke(null, null)!;
        }
        finally
        {
            Console.SetOut(console);
        }
    }

    /// <summary>README.md is Readme, docs/operators/perp-grad.md is OperatorsPerpGrad.</summary>
    private static string NameOf(string page) =>
        page == "README.md" ? "Readme" : string.Concat(page["docs/".Length..^".md".Length].Split('-', '/').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));

    private static string Text(string page) => File.ReadAllText(Path.Combine(Repository.Root, page));

    private static string WithoutCode(string text) => Regex.Replace(text, "```.*?```|`[^`\n]*`", "", RegexOptions.Singleline);

    /// <summary>As GitHub makes it: small letters, no punctuation, dashes for spaces.</summary>
    private static string Anchor(string heading) =>
        Regex.Replace(heading.TrimStart('#').Trim().ToLowerInvariant(), @"[^\w\- ]", "").Replace(' ', '-');
}
