// The benchmarks: one process per instruction width and number of threads, libtorch and OpenBLAS at their best settings for this processor.

static class Benchmarks
{
    const string Assembly = "tests/TorchSharpSoftmax.Benchmarks/bin/Release/net10.0/TorchSharpSoftmax.Benchmarks.dll";

    public static int Run(string[] arguments)
    {
        var avx512 = System.Runtime.Intrinsics.X86.Avx512F.IsSupported;
        var threadCounts = new[] { 1, Environment.ProcessorCount }.Distinct();
        var result = 0;
        foreach (var bits in new[] { avx512 ? "512" : null, "256", "128", "0" }.Where(b => b != null))
        {
            foreach (var threads in threadCounts.Select(t => t.ToString()))
            {
                // libtorch's own default is AVX2 even where the processor has AVX-512, and its thread setting does not reach OpenBLAS.
                var environment = new Dictionary<string, string>
                {
                    ["TORCHSHARPSOFTMAX_MAX_VECTOR_BITS"] = bits,
                    ["OMP_NUM_THREADS"] = threads,
                    ["OPENBLAS_NUM_THREADS"] = threads,
                };
                if (avx512)
                {
                    environment["ATEN_CPU_CAPABILITY"] = "avx512";
                    environment["OPENBLAS_CORETYPE"] = "SkylakeX";
                }
                Console.WriteLine($"benchmarks: {(bits == "0" ? "one lane" : bits + " bits")}, {threads} thread{(threads == "1" ? "" : "s")}");
                var exitCode = Processes.Run("dotnet", new[] { "exec", Assembly }.Concat(arguments), environment);
                if (exitCode != 0)
                    result = exitCode;
            }
        }
        return result;
    }
}
