// The benchmarks: one process per operator, instruction width, number of threads and allocator setting, libtorch and OpenBLAS at their best settings for this processor.

static class Benchmarks
{
    const string Project = "tests/TorchSharpSoftmax.Benchmarks";
    const string Assembly = Project + "/bin/Release/net10.0/TorchSharpSoftmax.Benchmarks.dll";
    const string Results = Project + "/results";
    const int NothingToMeasure = 3, NothingToCompare = 4;
    const string KeepLargeBlocks = "--keep-large-blocks", Compare = "--compare", Pages = "--pages";

    static readonly int Best = Processor.BestBits;
    static readonly int[] ThreadCounts = new[] { 1, Environment.ProcessorCount }.Distinct().ToArray();

    // Operators by name, all of them without one; then what goes to each process.
    public static int Run(string[] arguments)
    {
        if (arguments.Contains(Pages))
            return arguments.Length == 1 ? WritePages() : Refused($"'{Pages}' stands beside other arguments; it stands alone.");
        var known = Processes.Capture("dotnet", "exec", Assembly, "--list").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var named = arguments.TakeWhile(a => !a.StartsWith('-')).ToArray();
        if (named.Except(known).FirstOrDefault() is { } unknown)
            CommandLine.Refuse($"'{unknown}' is no operator with benchmarks; valid: {string.Join(", ", known)}.");
        var more = arguments[named.Length..];
        if (more.Contains(Compare))
            return CompareWithCommitted(named.Length > 0 ? named : known, more.Where(a => a != Compare).ToArray());
        var exitCodes = (named.Length > 0 ? named : known).SelectMany(name => RunOperator(name, more)).ToArray();
        if (exitCodes.All(code => code == NothingToMeasure))
            CommandLine.Refuse($"nothing was measured: no benchmark matches '{string.Join(' ', more)}'.");
        var worst = exitCodes.Where(code => code != NothingToMeasure).Max();
        // Part of a table, or a table of other rounds, is not for the pages.
        return worst != 0 || more.Length > 0 ? worst : WritePages();
    }

    static int WritePages() => Processes.Run("dotnet", new[] { "exec", Assembly, "--out", Results, "--pages", "." });

    // The gate: few rounds, nothing of one lane or of kept blocks. A process without committed results says so and measures nothing.
    static int CompareWithCommitted(string[] names, string[] more)
    {
        var widths = ThreadCounts.Select(threads => (Bits: Best, Threads: threads)).Concat(new[] { 256, 128 }.Where(b => b < Best).Select(b => (Bits: b, Threads: 1))).ToArray();
        var ran = names.SelectMany(name => widths.Select(w => (What: $"{name} at {w.Bits} bits on {w.Threads} thread(s)", Code: RunOnce(name, w.Bits, w.Threads, more.Append(Compare).Append(Results))))).ToArray();
        var failed = ran.Where(r => r.Code is not 0 and not NothingToMeasure and not NothingToCompare).ToArray();
        if (ran.All(r => r.Code == NothingToMeasure))
            CommandLine.Refuse($"nothing was measured: no benchmark matches '{string.Join(' ', more)}'.");
        Console.WriteLine(failed.Length > 0 ? $"compare: slower than committed, missing or failed, as listed above: {string.Join("; ", failed.Select(r => r.What))}."
            : ran.Any(r => r.Code == 0) ? $"compare: nothing is slower than committed in {string.Join("; ", ran.Where(r => r.Code == 0).Select(r => r.What))}."
            : "compare: there are no committed results of this processor to compare with.");
        return failed.Length > 0 ? failed.Max(r => r.Code) : 0;
    }

    static int Refused(string message)
    {
        CommandLine.Refuse(message);
        return 2;
    }

    static IEnumerable<int> RunOperator(string name, string[] more)
    {
        foreach (var threads in ThreadCounts)
            yield return RunOnce(name, Best, threads, more);
        foreach (var bits in new[] { 256, 128, 0 }.Where(b => b < Best))
            yield return RunOnce(name, bits, 1, more);
        // What an allocating call costs when large freed blocks are kept, on both sides.
        foreach (var threads in ThreadCounts)
            yield return RunOnce(name, Best, threads, more.Append(KeepLargeBlocks));
    }

    static int RunOnce(string name, int bits, int threads, IEnumerable<string> more)
    {
        // libtorch's own default is AVX2 even where the processor has AVX-512, and its thread setting does not reach OpenBLAS's pool.
        var environment = new Dictionary<string, string>
        {
            ["TORCHSHARPSOFTMAX_MAX_VECTOR_BITS"] = bits.ToString(),
            ["OMP_NUM_THREADS"] = threads.ToString(),
            ["OPENBLAS_NUM_THREADS"] = threads.ToString(),
        };
        if (Processor.HasAvx512)
        {
            environment["ATEN_CPU_CAPABILITY"] = "avx512";
            environment["OPENBLAS_CORETYPE"] = "SkylakeX";
        }
        // A lesser width is measured as on a lesser machine: with half the registers, too.
        if (Processor.HasAvx512 && bits != 512)
            environment["DOTNET_EnableAVX512"] = "0";
        var folder = more.Any(a => a != KeepLargeBlocks) ? "artifacts/benchmarks" : Results;
        var own = new[] { "exec", Assembly, "--operator", name, "--threads", threads.ToString(), "--out", folder };
        return Processes.Run("dotnet", own.Concat(more), environment);
    }
}
