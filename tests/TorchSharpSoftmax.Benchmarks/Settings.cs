using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using TorchSharp;
using TorchSharpSoftmax.Kernels;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>What this process ran under; printed above every table.</summary>
internal sealed record Settings(int Threads, bool KeepLargeBlocks)
{
    /// <summary>Must be called before the first tensor is made: the allocator's settings hold for what comes after.</summary>
    public void Apply()
    {
        if (KeepLargeBlocks)
        {
            Console.WriteLine($"keeping large blocks: {LargeBlocks.Keep()}");
        }

        torch.set_num_threads(Threads);
    }

    private static string Family => CpuInfo("cpu family") is { } number ? $" (family {number}, model {CpuInfo("model")})" : "";

    private static string Cpu => CpuInfo("model name") ?? RuntimeInformation.ProcessArchitecture.ToString();

    /// <summary>Processors of one name differ, the widths of their vectors above all.</summary>
    public static string Folder => $"{Regex.Replace(Cpu + Family, "[^A-Za-z0-9]+", "-").Trim('-').ToLowerInvariant()}-{MachineBits}-bit";

    public string FileName(string name) => $"{name}-{(Isa.Bits == 0 ? "one-lane" : $"{Isa.Bits}-bit")}-{Threads}-thread{(KeepLargeBlocks ? "-blocks-kept" : "")}";

    /// <summary>Whether a table is measured in such a process.</summary>
    public bool Covers(Table table) => (Isa.Bits == MachineBits || table.AtLesserWidths) && (!KeepLargeBlocks || table.WithBlocksKept);

    /// <summary>What the processor has, whatever this process was told to use.</summary>
    private static int MachineBits => CpuInfo("flags")?.Split(' ') is not { } flags ? Isa.AvailableBits[0]
        : flags.Contains("avx512bw") && flags.Contains("avx512vl") ? 512
        : flags.Contains("avx2") ? 256 : 128;

    public string Describe()
    {
        string[] names = ["TORCHSHARPSOFTMAX_MAX_VECTOR_BITS", "DOTNET_EnableAVX512", "ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS"];
        string environment = string.Join(", ", names
            .Select(n => (Name: n, Value: Environment.GetEnvironmentVariable(n)))
            .Where(e => e.Value is not null).Select(e => $"`{e.Name}={e.Value}`"));
        return $"{Cpu}{Family}, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}; kernels at {Isa.Bits} bits; {Threads} thread(s); "
            + $"large freed blocks {(KeepLargeBlocks ? "kept" : "returned (malloc as it is)")}; environment: {(environment.Length == 0 ? "none" : environment)}.";
    }

    private static string? CpuInfo(string key)
    {
        const string info = "/proc/cpuinfo";
        IEnumerable<string[]> lines = File.Exists(info) ? File.ReadLines(info).Select(line => line.Split(':', 2, StringSplitOptions.TrimEntries)) : [];
        return lines.FirstOrDefault(line => line[0] == key)?[^1];
    }
}
