// The benchmarks: one process per operator, instruction width, number of threads and allocator setting, libtorch and OpenBLAS at their best settings for this processor.

static class Benchmarks
{
    const string Project = "tests/TorchSharpSoftmax.Benchmarks";
    const string Assembly = Project + "/bin/Release/net10.0/TorchSharpSoftmax.Benchmarks.dll";
    const string Results = Project + "/results";
    const int NothingToMeasure = 3;

    static readonly bool Avx512 = System.Runtime.Intrinsics.X86.Avx512BW.VL.IsSupported;

    // Operators by name, all of them without one; then what goes to each process.
    public static int Run(string[] arguments)
    {
        var known = Processes.Capture("dotnet", "exec", Assembly, "--list").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var named = arguments.TakeWhile(a => !a.StartsWith('-')).ToArray();
        if (named.Except(known).FirstOrDefault() is { } unknown)
            CommandLine.Refuse($"'{unknown}' is no operator with benchmarks; valid: {string.Join(", ", known)}.");
        var more = arguments[named.Length..];
        var exitCodes = (named.Length > 0 ? named : known).SelectMany(name => RunOperator(name, more)).ToArray();
        if (exitCodes.All(code => code == NothingToMeasure))
            CommandLine.Refuse($"nothing was measured: no benchmark matches '{string.Join(' ', more)}'.");
        var worst = exitCodes.Where(code => code != NothingToMeasure).Max();
        // Part of a table, or a table of other rounds, is not for the pages.
        return worst != 0 || more.Length > 0 ? worst : Processes.Run("dotnet", new[] { "exec", Assembly, "--out", Results, "--pages", "." });
    }

    static IEnumerable<int> RunOperator(string name, string[] more)
    {
        var best = Avx512 ? 512 : 256;
        var threadCounts = new[] { 1, Environment.ProcessorCount }.Distinct();
        foreach (var threads in threadCounts)
            yield return RunOnce(name, best, threads, more);
        foreach (var bits in new[] { 256, 128, 0 }.Where(b => b < best))
            yield return RunOnce(name, bits, 1, more);
        // What an allocating call costs when large freed blocks are kept, on both sides.
        foreach (var threads in threadCounts)
            yield return RunOnce(name, best, threads, more.Append("--keep-large-blocks"));
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
        if (Avx512)
        {
            environment["ATEN_CPU_CAPABILITY"] = "avx512";
            environment["OPENBLAS_CORETYPE"] = "SkylakeX";
        }
        // A lesser width is measured as on a lesser machine: with half the registers, too.
        if (Avx512 && bits != 512)
            environment["DOTNET_EnableAVX512"] = "0";
        var folder = more.Any(a => a != "--keep-large-blocks") ? "artifacts/benchmarks" : Results;
        var own = new[] { "exec", Assembly, "--operator", name, "--threads", threads.ToString(), "--out", folder };
        return Processes.Run("dotnet", own.Concat(more), environment);
    }
}
