using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using TorchSharp;
using TorchSharpSoftmax.Kernels;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>What this process ran under; printed above every table.</summary>
internal sealed record Settings(string Cpu, int Threads, bool KeepLargeBlocks)
{
    /// <summary>Must be called before the first tensor is made: the allocator's settings hold for what comes after.</summary>
    public static Settings Apply(int threads, bool keepLargeBlocks)
    {
        if (keepLargeBlocks)
        {
            Console.WriteLine($"keeping large blocks: {LargeBlocks.Keep()}");
        }

        torch.set_num_threads(threads);
        return new Settings(CpuName(), threads, keepLargeBlocks);
    }

    public string CpuFolder => Regex.Replace(Cpu, "[^A-Za-z0-9]+", "-").Trim('-').ToLowerInvariant();

    public string Describe()
    {
        string[] names = ["TORCHSHARPSOFTMAX_MAX_VECTOR_BITS", "DOTNET_EnableAVX512", "ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS"];
        string environment = string.Join(", ", names
            .Select(n => (Name: n, Value: Environment.GetEnvironmentVariable(n)))
            .Where(e => e.Value is not null).Select(e => $"`{e.Name}={e.Value}`"));
        return $"{Cpu}, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}; kernels at {Isa.Bits} bits; {Threads} thread(s); "
            + $"large freed blocks {(KeepLargeBlocks ? "kept" : "returned (malloc as it is)")}; environment: {(environment.Length == 0 ? "none" : environment)}.";
    }

    private static string CpuName()
    {
        const string info = "/proc/cpuinfo";
        string? line = File.Exists(info) ? File.ReadLines(info).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
