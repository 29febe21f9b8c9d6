using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

[assembly: AssemblyFixture(typeof(TorchSharpSoftmax.Kernels.Tests.WidthLedger))]

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The vector widths of the project, and which of them this process can run; found without asking the code under test.</summary>
internal static class Widths
{
    internal const string Variable = "TORCHSHARPSOFTMAX_MAX_VECTOR_BITS";

    /// <summary>The width that the environment forces; null where it leaves the choice.</summary>
    internal static int? Cap { get; } =
        int.TryParse(Environment.GetEnvironmentVariable(Variable), NumberStyles.None, CultureInfo.InvariantCulture, out int bits) ? bits : null;

    internal static int[] Known { get; } = [512, 256, 128, 0];

    /// <summary>Every width of the machine, widest first, one lane (0) last; where one is forced that one alone, for the others run without.</summary>
    internal static int[] Runnable { get; } =
        Cap is { } cap ? [Known.First(bits => bits <= cap && HasWidth(bits))] : [.. Known.Where(HasWidth)];

    /// <summary>One line for each width that does not run here, and why.</summary>
    internal static IEnumerable<string> Missing =>
        from bits in Known
        where !Runnable.Contains(bits)
        select $"width {bits} does not run here: {(HasWidth(bits) ? $"{Variable} is {Cap}" : "the runtime or the processor does not have it")}";

    /// <summary>Each width that runs here, the kernels called from this thread being held to it meanwhile; the calling test is noted in the ledger.</summary>
    internal static IEnumerable<int> Each([CallerMemberName] string test = "", [CallerFilePath] string file = "")
    {
        foreach (int bits in Runnable)
        {
            WidthLedger.Note($"{Path.GetFileNameWithoutExtension(file)}.{test}", bits);
            using IDisposable width = Isa.Force(bits);
            yield return bits;
        }
    }

    /// <summary>The same without one lane, where only the size of the data is the point; not noted, the test's other cases run at each width.</summary>
    internal static IEnumerable<int> EachVector()
    {
        foreach (int bits in Runnable.Where(bits => bits > 0 || Runnable.Length == 1))
        {
            using IDisposable width = Isa.Force(bits);
            yield return bits;
        }
    }

    private static bool HasWidth(int bits) => bits switch
    {
        512 => Vector512.IsHardwareAccelerated && Avx512F.IsSupported,
        256 => Vector256.IsHardwareAccelerated && Avx2.IsSupported && Fma.IsSupported,
        128 => Vector128.IsHardwareAccelerated,
        _ => true,
    };
}

/// <summary>Which test ran at which width; a test that ran at fewer widths than this machine has fails the whole run at its end.</summary>
public sealed class WidthLedger : IDisposable
{
    private static readonly ConcurrentDictionary<(string Test, int Bits), int> s_runs = new();

    public WidthLedger()
    {
        foreach (string line in Widths.Missing)
        {
            Console.WriteLine(line);
        }
    }

    internal static void Note(string test, int bits) => s_runs.AddOrUpdate((test, bits), 1, (_, n) => n + 1);

    public void Dispose()
    {
        string[] short_ = [.. Shortfalls(s_runs.Keys, Widths.Runnable)];
        if (short_.Length > 0)
        {
            throw new InvalidOperationException($"Not every width ran:{Environment.NewLine}{string.Join(Environment.NewLine, short_)}");
        }
    }

    internal static IEnumerable<string> Shortfalls(IEnumerable<(string Test, int Bits)> runs, int[] widths)
    {
        foreach (IGrouping<string, (string Test, int Bits)> test in runs.GroupBy(r => r.Test).OrderBy(g => g.Key))
        {
            int[] ran = [.. test.Select(r => r.Bits)];
            foreach (int missing in widths.Except(ran))
            {
                yield return $"{test.Key} did not run at {missing}";
            }

            foreach (int surplus in ran.Except(widths))
            {
                yield return $"{test.Key} ran at {surplus}, which is not to run here";
            }
        }
    }
}
