using System.Text.RegularExpressions;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The rules of the house that a compiler does not hold: the sources are read as text.</summary>
public sealed partial class HouseRules
{
    private const int MaxLines = 500;

    private static readonly string s_root = FindRoot();

    private static readonly SourceFile[] s_sources = [.. SourceFiles()];

    [Fact]
    public void An_operators_kernels_name_no_vector_width_and_ask_no_processor() =>
        AssertNone(
        file => file.In("src/TorchSharpSoftmax.Kernels") && file.Path.Count(c => c == '/') > 2 && !file.In("src/TorchSharpSoftmax.Kernels/Simd"),
        WidthOrProcessor());

    [Fact]
    public void Only_Isa_chooses_by_what_the_processor_has() =>
        AssertNone(file => file.In("src/TorchSharpSoftmax.Kernels") && file.Path != "src/TorchSharpSoftmax.Kernels/Simd/Isa.cs", HardwareAccelerated());

    [Fact]
    public void Only_Simd_knows_instructions() =>
        AssertNone(file => file.In("src/TorchSharpSoftmax.Kernels") && !file.In("src/TorchSharpSoftmax.Kernels/Simd"), Instructions());

    [Fact]
    public void The_tensor_library_knows_no_instructions() => AssertNone(file => file.In("src/TorchSharpSoftmax"), Instructions());

    [Fact]
    public void Kernels_reference_no_package_and_no_tensors()
    {
        string project = File.ReadAllText(Path.Combine(s_root, "src/TorchSharpSoftmax.Kernels/TorchSharpSoftmax.Kernels.csproj"));
        Assert.DoesNotContain("<PackageReference", project, StringComparison.Ordinal);
        Assert.DoesNotContain("<ProjectReference", project, StringComparison.Ordinal);
        Assert.DoesNotContain("UsesTorchSharp", project, StringComparison.Ordinal);
    }

    [Fact]
    public void Kernels_throw_nothing() => AssertNone(
        file => file.In("src/TorchSharpSoftmax.Kernels") && !file.In("src/TorchSharpSoftmax.Kernels/Simd") && !file.Text.Contains("Span<", StringComparison.Ordinal),
        Throws()); // but for the span API, which checks lengths

    [Fact]
    public void No_file_is_longer_than_a_reader_bears() =>
        Assert.Empty(s_sources.Where(file => file.Lines.Length > MaxLines).Select(file => $"{file.Path} has {file.Lines.Length} lines"));

    [Fact]
    public void Nothing_is_left_for_later() => AssertNone(file => !file.In("native"), LeftForLater()); // the stand-in throws what TorchSharp throws

    [Fact]
    public void No_file_names_a_machines_paths() => AssertNone(_ => true, MachinePaths());

    /// <summary>Each rule is broken here once, so that none of them is blind.</summary>
    [Theory]
    [InlineData("var v = Vector256.Load(p);", nameof(WidthOrProcessor))]
    [InlineData("Vector512<float> v;", nameof(WidthOrProcessor))]
    [InlineData("if (Avx2.IsSupported)", nameof(WidthOrProcessor))]
    [InlineData("Vector128.IsHardwareAccelerated", nameof(HardwareAccelerated))]
    [InlineData("using System.Runtime.Intrinsics;", nameof(Instructions))]
    [InlineData("x = Avx512F.Scale(m, n);", nameof(Instructions))]
    [InlineData("throw new ArgumentException();", nameof(Throws))]
    [InlineData("// FIX" + "ME later", nameof(LeftForLater))]
    [InlineData("throw new NotImplemented" + "Exception();", nameof(LeftForLater))]
    [InlineData("\"/ho" + "me/someone/x\"", nameof(MachinePaths))]
    [InlineData("@\"C:\\" + "Users\\someone\"", nameof(MachinePaths))]
    public void A_breach_of_a_rule_is_seen(string line, string rule)
    {
        Regex regex = rule switch
        {
            nameof(WidthOrProcessor) => WidthOrProcessor(),
            nameof(HardwareAccelerated) => HardwareAccelerated(),
            nameof(Instructions) => Instructions(),
            nameof(Throws) => Throws(),
            nameof(LeftForLater) => LeftForLater(),
            _ => MachinePaths(),
        };
        var file = new SourceFile("src/x.cs", line);
        Assert.NotEmpty(Breaches([file], regex));
    }

    [Fact]
    public void There_are_sources_to_read()
    {
        Assert.Contains(s_sources, file => file.Path == "src/TorchSharpSoftmax.Kernels/Simd/Isa.cs");
        Assert.Contains(s_sources, file => file.In("src/TorchSharpSoftmax.Kernels/Softmax"));
        Assert.Contains(s_sources, file => file.In("tests/TorchSharpSoftmax.Kernels.Tests"));
    }

    private static void AssertNone(Func<SourceFile, bool> where, Regex what)
    {
        string[] breaches = [.. Breaches(s_sources.Where(where), what)];
        Assert.True(breaches.Length == 0, string.Join(Environment.NewLine, breaches));
    }

    private static IEnumerable<string> Breaches(IEnumerable<SourceFile> files, Regex what) =>
        from file in files
        from Match match in what.Matches(file.Text)
        select $"{file.Path}({file.Text.AsSpan(0, match.Index).Count('\n') + 1}): {match.Value.Trim()}";

    /// <summary>The folder of the solution above the test program.</summary>
    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "TorchSharpSoftmax.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No TorchSharpSoftmax.sln above {AppContext.BaseDirectory}: the house rules are read from the sources.");
    }

    private static IEnumerable<SourceFile> SourceFiles() =>
        from top in (string[])["src", "tests", "examples", "native"]
        where Directory.Exists(Path.Combine(s_root, top))
        from path in Directory.EnumerateFiles(Path.Combine(s_root, top), "*.cs", SearchOption.AllDirectories)
        let relative = Path.GetRelativePath(s_root, path).Replace('\\', '/')
        where !relative.Contains("/obj/", StringComparison.Ordinal) && !relative.Contains("/bin/", StringComparison.Ordinal)
        select new SourceFile(relative, File.ReadAllText(path));

    [GeneratedRegex(@"\bVector(64|128|256|512)\b|\bIsSupported\b|\bIsHardwareAccelerated\b")]
    private static partial Regex WidthOrProcessor();

    [GeneratedRegex(@"\bIsHardwareAccelerated\b")]
    private static partial Regex HardwareAccelerated();

    [GeneratedRegex(@"System\.Runtime\.Intrinsics|\bVector(64|128|256|512)\b|\b(Sse|Avx|Fma|Bmi|AdvSimd)\w*\.")]
    private static partial Regex Instructions();

    [GeneratedRegex(@"\bthrow\b")]
    private static partial Regex Throws();

    [GeneratedRegex(@"\b(TO[D]O|FIX[M]E|HAC[K])\b|NotImplemented[E]xception")]
    private static partial Regex LeftForLater();

    [GeneratedRegex("""["\s(](/(home|work|root|tmp|Users)/\w|[A-Za-z]:\\{1,2}Users)""")]
    private static partial Regex MachinePaths();

    private sealed record SourceFile(string Path, string Text)
    {
        internal string[] Lines { get; } = Text.Split('\n');

        internal bool In(string folder) => Path.StartsWith(folder + "/", StringComparison.Ordinal);
    }
}
