// The tests: each test project at the instruction widths that it asks for, two processes at a time, their reports summed.

using System.Collections.Concurrent;
using System.Globalization;
using System.Xml.Linq;

sealed class Tests
{
    const string Reports = "artifacts/test-results", Library = "tests/TorchSharpSoftmax.Tests";
    static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    // Most test processes work on one core most of the time.
    static readonly int AtOnce = Math.Min(2, Environment.ProcessorCount);

    // What could choose a width or a mode from outside: every run starts without it and adds its own.
    static readonly string[] Deciding =
    {
        "TORCHSHARPSOFTMAX_MAX_VECTOR_BITS", "TORCHSHARP_STANDIN_STRICT", "DOTNET_EnableAVX512", "DOTNET_EnableAVX2", "DOTNET_EnableHWIntrinsic",
    };

    sealed record Width(string Name, int Bits, string Variable = null, string Value = null, params string[] LeavesOut);

    // A forced width still compiles for this machine's processor; "no" something imitates a lesser processor as well.
    static readonly Width Best = new("best width", Processor.BestBits), NoAvx512 = new("no AVX-512", 256, "DOTNET_EnableAVX512", "0");

    // Slow, and the best width's run has one lane of every type already: what is new here is the same for all types, and floats stand for them.
    static readonly Width NoSimd = new("no SIMD", 0, "DOTNET_EnableHWIntrinsic", "0", "Double", "BFloat16", "Half");

    // The same for the kernels of doubles: nothing in them asks for more than 256 bits, and the library's tests run them there.
    static readonly Width KernelsWithoutAvx512 = NoAvx512 with { LeavesOut = new[] { "Double" } };
    static readonly Width[] Forced = new[] { ("256 bits", 256), ("128 bits", 128), ("one lane", 0) }
        .Select(w => new Width(w.Item1, w.Item2, "TORCHSHARPSOFTMAX_MAX_VECTOR_BITS", w.Item2.ToString(CultureInfo.InvariantCulture))).ToArray();

    // Of a lesser processor's kernels only its own best width is new: the narrower ones have run in the process that goes through all widths.
    static readonly (string, string) OnlyItsBest = ("TORCHSHARPSOFTMAX_MAX_VECTOR_BITS", "256");

    // The library's tests run most of their code once or twice: measuring it for a better compilation costs a sixth of their time. The kernels' references run long: they are compiled well at once.
    static readonly (string, string) RunsOnce = ("DOTNET_TieredPGO", "0"), RunsLong = ("DOTNET_TieredCompilation", "0");

    // What strict mode does not look at, values at the edges and of derivatives (whose lifetimes the leak tests have) and large memory, takes half of a strict run.
    static readonly string[] NotStrict =
    {
        "-method-", "*.Masks_NaN_*", "-method-", "*.First_and_second_derivatives_pass_gradcheck", "-method-", "*.Every_activations_first_and_second_derivatives_*",
        "-method-", "*.First_and_second_derivatives_are_those_of_differences", "-method-", "*.Log_sum_exp_entropy_and_likelihood_pass_gradcheck_*", "-class-", "*.LinearCrossEntropyMemoryTests",
    };

    // Two halves of the kernels' tests that take as long as each other.
    static readonly string[] OfSoftmax = { "-class", "*SoftmaxKernelTests" }, NotOfSoftmax = { "-class-", "*SoftmaxKernelTests" };

    // These tests look at what no width changes; TorchSharpSoftmax.Tests/BestWidthOnlyAttribute.cs.
    const string BestWidthOnly = "BestWidthOnly=true";

    sealed record Ran(string Name, Width Width, string[] Tests, string[] ForEveryWidth);

    readonly string[] runnerArguments;
    readonly List<string> failures = new();
    readonly List<Ran> runs = new();
    int passed, failed, skipped;

    Tests(string[] runnerArguments) => this.runnerArguments = runnerArguments;

    public bool AllPassed => failed == 0 && passed > 0;

    public static Tests Run(string torchSharpFrom, string[] runnerArguments)
    {
        if (System.IO.Directory.Exists(Reports))
            System.IO.Directory.Delete(Reports, recursive: true);
        System.IO.Directory.CreateDirectory(Reports);
        var tests = new Tests(runnerArguments);
        var plan = new ConcurrentQueue<Action>(tests.Plan(torchSharpFrom == "native"));
        var workers = Enumerable.Range(0, AtOnce).Select(_ => System.Threading.Tasks.Task.Run(() =>
        {
            while (plan.TryDequeue(out var next))
                next();
        }));
        System.Threading.Tasks.Task.WaitAll(workers.ToArray());
        tests.CompareWidths();
        return tests;
    }

    public static int Soak(string[] arguments)
    {
        var environment = Deciding.ToDictionary(v => v, v => (string)null);
        environment["OMP_WAIT_POLICY"] = "PASSIVE";
        return Processes.Run("dotnet", new[] { "exec", $"{Library}/bin/Release/net10.0/TorchSharpSoftmax.Tests.dll", "soak" }.Concat(arguments), environment);
    }

    // The longest first, so that no core is idle at the end.
    IEnumerable<Action> Plan(bool native)
    {
        const string kernels = "tests/TorchSharpSoftmax.Kernels.Tests", library = Library;
        // The kernels' tests go through every width of the machine in one process, and fail if one is missed. On both cores first of all: what is wrong there shows within two minutes.
        foreach (var half in runnerArguments.Length == 0 ? new[] { OfSoftmax, NotOfSoftmax } : new[] { Array.Empty<string>() })
            yield return () => RunOnce("kernels", kernels, Best, half, RunsLong);
        yield return CheckFormat;
        yield return () => RunOnce("examples", "tests/Examples.Tests", Best);
        // Its processes build and pack, in a tree and folders of their own.
        yield return () => RunOnce("packages", "tests/Packages.Tests", Best);
        // Strict: the stand-in punishes what the real TorchSharp punishes, whatever the width. The real one does not look at the variable.
        yield return () => RunOnce("strict", library, Best, NotStrict, ("TORCHSHARP_STANDIN_STRICT", "1"), RunsOnce);
        yield return () => RunOnce("kernels", kernels, NoSimd);
        yield return () => RunUnlessBest("kernels", kernels, KernelsWithoutAvx512, OnlyItsBest, RunsLong);
        yield return () => RunOnce("library", library, Best, RunsOnce);
        foreach (var width in Forced.Append(NoAvx512))
            yield return () => RunUnlessBest("library", library, width, RunsOnce);
        if (native)
            yield return () => RunOnce("stand-in", "native/TorchSharp.Tests", Best);
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

    // What `dotnet format --verify-no-changes` holds, in a quarter of its time: the build before this has refused every warning of an analyzer or of a code style.
    void CheckFormat()
    {
        var watch = Stopwatch.StartNew();
        var (spaces, spacing) = Processes.Capture("dotnet", "format", "whitespace", ".", "--folder", "--verify-no-changes");
        var (order, imports) = Processes.Capture("dotnet", "format", "style", "TorchSharpSoftmax.sln", "--diagnostics", "IMPORTS", "--verify-no-changes", "--no-restore");
        lock (runs)
        {
            if (spaces != 0 || order != 0)
                Fail("format: `dotnet format TorchSharpSoftmax.sln` would change files (listed above).");
            Tell(spacing + imports, "format", "", spaces == 0 && order == 0 ? "ok" : "FAILED", watch);
        }
    }

    // Where the machine's best width is no wider, the run would be the best one's over again.
    void RunUnlessBest(string name, string project, Width width, params (string Name, string Value)[] always)
    {
        if (width.Bits < Processor.BestBits)
            RunOnce(name, project, width, always);
        else
            lock (runs)
                Tell("", name, width.Name, $"nothing else than the best width, {Processor.BestBits} bits", null);
    }

    void RunOnce(string name, string project, Width width, params (string Name, string Value)[] always) =>
        RunOnce(name, project, width, Array.Empty<string>(), always);

    void RunOnce(string name, string project, Width width, string[] filter, params (string Name, string Value)[] always)
    {
        // Two processes share the cores: a pool of threads that spins while it waits would take the other one's.
        var environment = new Dictionary<string, string>(Deciding.Select(v => KeyValuePair.Create(v, (string)null))) { ["OMP_WAIT_POLICY"] = "PASSIVE" };
        foreach (var (variable, value) in always.Append((width.Variable, width.Value)).Where(v => v.Item1 != null))
            environment[variable] = value;
        var assembly = $"{project}/bin/Release/net10.0/{System.IO.Path.GetFileName(project)}.dll";
        var report = $"{Reports}/{name}-{width.Name.Replace(' ', '-')}{(filter == NotOfSoftmax ? "-2" : "")}.xml";
        var arguments = new List<string> { "exec", assembly, "-noLogo", "-noColor", "-reporter", "quiet", "-xml", report };
        if (width != Best)
            arguments.AddRange(new[] { "-trait-", BestWidthOnly });
        foreach (var type in width.LeavesOut)
            arguments.AddRange(new[] { "-class-", $"*.{type}*" });
        arguments.AddRange(filter);
        var watch = Stopwatch.StartNew();
        var (exitCode, output) = Processes.Capture("dotnet", arguments.Concat(runnerArguments), environment, Limit);
        lock (runs)
            Tell(output, name, width.Name, Count(name, width, exitCode, Read(report)), watch);
    }

    string Count(string name, Width width, int exitCode, XElement report)
    {
        var where = $"{name}, {width.Name}";
        if (report == null)
        {
            Fail($"{where}: the test process ended with exit code {exitCode} and left no report.");
            return $"CRASHED, exit code {exitCode}";
        }
        int Sum(string attribute) => report.Elements("assembly").Sum(a => int.Parse(a.Attribute(attribute)?.Value ?? "0", CultureInfo.InvariantCulture));
        var (good, bad, errors, left) = (Sum("passed"), Sum("failed"), Sum("errors"), Sum("skipped"));
        passed += good;
        failed += bad + errors;
        skipped += left;
        var tests = report.Descendants("test").Where(t => (string)t.Attribute("result") is "Pass" or "Fail").ToArray();
        failures.AddRange(tests.Where(t => (string)t.Attribute("result") == "Fail").Select(t => $"{where}: {(string)t.Attribute("name")}"));
        failures.AddRange(report.Descendants("error").Select(e => $"{where}: {(string)e.Attribute("type")} {(string)e.Attribute("name")}"));
        if (exitCode != 0 && bad + errors == 0)
            Fail($"{where}: all tests passed, yet the test process ended with exit code {exitCode}.");
        string[] Names(IEnumerable<XElement> of) => of.Select(t => (string)t.Attribute("name")).ToArray();
        bool IsForEveryWidth(XElement test) => !test.Descendants("trait").Any(t => $"{(string)t.Attribute("name")}={(string)t.Attribute("value")}" == BestWidthOnly);
        runs.Add(new Ran(name, width, Names(tests), Names(tests.Where(IsForEveryWidth))));
        return $"{good,6} passed {bad + errors,4} failed {left,4} skipped";
    }

    // A test that a lesser width lost, or skipped where the best one ran it, is a failure.
    void CompareWidths()
    {
        foreach (var best in runs.Where(r => r.Width == Best).GroupBy(r => r.Name).ToArray())
        {
            var forEveryWidth = best.SelectMany(r => r.ForEveryWidth).ToArray();
            foreach (var lesser in runs.Where(r => r.Name == best.Key && r.Width != Best).ToArray())
            {
                var due = forEveryWidth.Where(test => !lesser.Width.LeavesOut.Any(type => test.Contains("." + type, StringComparison.Ordinal))).ToArray();
                var lost = due.Except(lesser.Tests).ToArray();
                foreach (var test in lost)
                    Fail($"{lesser.Name}, {lesser.Width.Name}: {test} did not run; it did at the best width.");
                if (lost.Length == 0 && lesser.Tests.Length < due.Length)
                    Fail($"{lesser.Name}, {lesser.Width.Name}: ran {lesser.Tests.Length} tests, the best width ran {due.Length} for every width.");
            }
        }
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

    // What a process said, then its line.
    static void Tell(string output, string name, string width, string result, Stopwatch watch)
    {
        var time = watch == null ? "" : string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds,7:0.0} s");
        Console.Write(output);
        Console.WriteLine($"  {name,-10}{width,-12}{result,-40}{time}");
    }
}
