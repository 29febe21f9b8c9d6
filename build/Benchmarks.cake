// The benchmarks: one process per instruction width, number of threads and allocator setting, libtorch and OpenBLAS at their best settings for this processor.

static class Benchmarks
{
    const string Project = "tests/TorchSharpSoftmax.Benchmarks";
    const string Assembly = Project + "/bin/Release/net10.0/TorchSharpSoftmax.Benchmarks.dll";

    public static int Run(string[] arguments)
    {
        var avx512 = System.Runtime.Intrinsics.X86.Avx512F.IsSupported;
        var best = avx512 ? "512" : "256";
        var threadCounts = new[] { 1, Environment.ProcessorCount }.Distinct();
        var result = 0;
        foreach (var threads in threadCounts)
            result = Math.Max(result, RunOnce(avx512, best, threads, arguments));
        // Lesser widths: softmax itself, on one thread.
        foreach (var bits in new[] { "256", "128", "0" }.Where(b => b != best))
            result = Math.Max(result, RunOnce(avx512, bits, 1, arguments, "--filter", "*SoftmaxForward.*"));
        // What an allocating call costs when large freed blocks are kept, on both sides.
        foreach (var threads in threadCounts)
            result = Math.Max(result, RunOnce(avx512, best, threads, arguments, "--keep-large-blocks", "--filter", "*SoftmaxAllocating.*,*SoftmaxForwardBackward.*"));
        return Math.Max(result, Processes.Run("dotnet", new[] { "exec", Assembly, "--out", Project + "/results", "--readme", "README.md" }));
    }

    static int RunOnce(bool avx512, string bits, int threads, string[] arguments, params string[] more)
    {
        // libtorch's own default is AVX2 even where the processor has AVX-512, and its thread setting does not reach OpenBLAS's pool.
        var environment = new Dictionary<string, string>
        {
            ["TORCHSHARPSOFTMAX_MAX_VECTOR_BITS"] = bits,
            ["OMP_NUM_THREADS"] = threads.ToString(),
            ["OPENBLAS_NUM_THREADS"] = threads.ToString(),
        };
        if (avx512)
        {
            environment["ATEN_CPU_CAPABILITY"] = "avx512";
            environment["OPENBLAS_CORETYPE"] = "SkylakeX";
        }
        // A lesser width is measured as on a lesser machine: with half the registers, too.
        if (avx512 && bits != "512")
            environment["DOTNET_EnableAVX512"] = "0";
        var width = bits == "0" ? "one-lane" : bits + "-bit";
        var name = $"softmax-{width}-{threads}-thread{(more.Contains("--keep-large-blocks") ? "-blocks-kept" : "")}";
        Console.WriteLine($"benchmarks: {name}");
        var own = new[] { "--out", Project + "/results", "--name", name, "--threads", threads.ToString() };
        return Processes.Run("dotnet", new[] { "exec", Assembly }.Concat(own).Concat(more).Concat(arguments), environment);
    }
}
