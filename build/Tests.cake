// The tests: each test project once per instruction width, in processes of their own, their reports summed.

using System.Globalization;
using System.Xml.Linq;

sealed class Tests
{
    const string Reports = "artifacts/test-results";
    static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    // What could choose a width or a mode from outside: every run starts without it and adds its own.
    static readonly string[] Deciding =
    {
        "TORCHSHARPSOFTMAX_MAX_VECTOR_BITS", "TORCHSHARP_STANDIN_STRICT", "DOTNET_EnableAVX512", "DOTNET_EnableAVX2", "DOTNET_EnableHWIntrinsic",
    };

    // A forced width still compiles for this machine's processor; the last ones imitate a lesser processor as well.
    static readonly (string Name, string Variable, string Value)[] Widths =
    {
        ("best width", null, null),
        ("256 bits", "TORCHSHARPSOFTMAX_MAX_VECTOR_BITS", "256"),
        ("128 bits", "TORCHSHARPSOFTMAX_MAX_VECTOR_BITS", "128"),
        ("one lane", "TORCHSHARPSOFTMAX_MAX_VECTOR_BITS", "0"),
        ("no AVX-512", "DOTNET_EnableAVX512", "0"),
        ("no SIMD", "DOTNET_EnableHWIntrinsic", "0"),
    };

    readonly string[] runnerArguments;
    readonly List<string> failures = new();
    int passed, failed, skipped;

    Tests(string[] runnerArguments) => this.runnerArguments = runnerArguments;

    public bool AllPassed => failed == 0 && passed > 0;

    public static Tests Run(string torchSharpFrom, string[] runnerArguments)
    {
        if (System.IO.Directory.Exists(Reports))
            System.IO.Directory.Delete(Reports, recursive: true);
        System.IO.Directory.CreateDirectory(Reports);
        var tests = new Tests(runnerArguments);
        tests.CheckFormat();
        // The kernels first: they are quick, and what is wrong there is wrong everywhere else.
        tests.RunAtEveryWidth("kernels", "tests/TorchSharpSoftmax.Kernels.Tests", Widths);
        if (torchSharpFrom == "native")
            tests.RunAtEveryWidth("stand-in", "native/TorchSharp.Tests", Widths[..1]);
        tests.RunAtEveryWidth("library", "tests/TorchSharpSoftmax.Tests", Widths[..^1]);
        // Strict: the stand-in punishes what the real TorchSharp punishes, whatever the width. The real one does not look at the variable.
        tests.RunAtEveryWidth("strict", "tests/TorchSharpSoftmax.Tests", Widths[..1], ("TORCHSHARP_STANDIN_STRICT", "1"));
        tests.RunAtEveryWidth("examples", "tests/Examples.Tests", Widths[..1]);
        return tests;
    }

    // Called last of all, after Cake's own report: the counts are the last line.
    public void Summarize()
    {
        if (failures.Count > 0)
            Console.WriteLine("\nFailed:");
        foreach (var failure in failures.Take(50))
            Console.WriteLine("  " + failure);
        if (failures.Count > 50)
            Console.WriteLine($"  ... and {failures.Count - 50} more; the reports are in {Reports}.");
        if (failed == 0 && passed == 0)
            Console.WriteLine("No test ran, which counts as a failure.");
        Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
    }

    void CheckFormat()
    {
        var watch = Stopwatch.StartNew();
        var exitCode = Processes.Run("dotnet", new[] { "format", "TorchSharpSoftmax.sln", "--verify-no-changes", "--no-restore" });
        if (exitCode != 0)
            Fail("format: `dotnet format TorchSharpSoftmax.sln` would change files (listed above).");
        Console.WriteLine(Line("format", "", exitCode == 0 ? "ok" : "FAILED", watch.Elapsed));
    }

    void RunAtEveryWidth(string name, string project, (string Name, string Variable, string Value)[] widths, params (string Name, string Value)[] always)
    {
        int? ranAtBest = null;
        foreach (var width in widths)
        {
            var environment = Deciding.ToDictionary(v => v, v => (string)null);
            foreach (var (variable, value) in always)
                environment[variable] = value;
            if (width.Variable != null)
                environment[width.Variable] = width.Value;
            var ran = RunOnce(name, project, width.Name, environment);
            ranAtBest ??= ran;
            if (ran != null && ran < ranAtBest)
                Fail($"{name}, {width.Name}: ran {ran} tests, the best width ran {ranAtBest}.");
        }
    }

    // How many tests ran: passed and failed, not the skipped ones. Null where the process left no report.
    int? RunOnce(string name, string project, string width, Dictionary<string, string> environment)
    {
        var watch = Stopwatch.StartNew();
        var assembly = $"{project}/bin/Release/net10.0/{System.IO.Path.GetFileName(project)}.dll";
        var report = $"{Reports}/{name}-{width.Replace(' ', '-')}.xml";
        var arguments = new List<string> { "exec", assembly, "-noLogo", "-reporter", "quiet", "-xml", report };
        if (Console.IsOutputRedirected)
            arguments.Add("-noColor");
        var exitCode = Processes.Run("dotnet", arguments.Concat(runnerArguments), environment, Limit);
        var assemblies = Read(report);
        if (assemblies == null)
        {
            Fail($"{name}, {width}: the test process ended with exit code {exitCode} and left no report.");
            Console.WriteLine(Line(name, width, $"CRASHED, exit code {exitCode}", watch.Elapsed));
            return null;
        }
        int Sum(string attribute) => assemblies.Elements("assembly").Sum(a => int.Parse(a.Attribute(attribute)?.Value ?? "0", CultureInfo.InvariantCulture));
        var (good, bad, errors, left) = (Sum("passed"), Sum("failed"), Sum("errors"), Sum("skipped"));
        passed += good;
        failed += bad + errors;
        skipped += left;
        failures.AddRange(assemblies.Descendants("test").Where(t => (string)t.Attribute("result") == "Fail").Select(t => $"{name}, {width}: {(string)t.Attribute("name")}"));
        failures.AddRange(assemblies.Descendants("error").Select(e => $"{name}, {width}: {(string)e.Attribute("type")} {(string)e.Attribute("name")}"));
        if (exitCode != 0 && bad + errors == 0)
            Fail($"{name}, {width}: all tests passed, yet the test process ended with exit code {exitCode}.");
        Console.WriteLine(Line(name, width, $"{good,6} passed {bad + errors,4} failed {left,4} skipped", watch.Elapsed));
        return good + bad;
    }

    static XElement Read(string report)
    {
        try
        {
            return XElement.Load(report);
        }
        catch (Exception e) when (e is System.IO.IOException or System.Xml.XmlException)
        {
            return null;
        }
    }

    void Fail(string what)
    {
        failed++;
        failures.Add(what);
    }

    static string Line(string name, string width, string result, TimeSpan time) =>
        string.Create(CultureInfo.InvariantCulture, $"  {name,-10}{width,-12}{result,-40}{time.TotalSeconds,7:0.0} s");
}
