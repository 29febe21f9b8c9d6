using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>What a head of GPT-2's size takes at its peak, and a table of logits beyond 32-bit numbers.</summary>
[BestWidthOnly]
public sealed class LinearCrossEntropyMemoryTests(ITestOutputHelper output)
{
    internal const string ChildCommand = "memory-of-a-head";

    private const long MiB = 1 << 20, Features = 768, Classes = 50257, Tokens = 256;

    /// <summary>
    /// Beyond inputs and the leaves' gradients; a second backward has one more of each gradient until it is added to the first one's. libtorch needs three times 98 MiB here. In a process of its own,
    /// where malloc keeps nothing of what is freed.
    /// </summary>
    [Theory]
    [InlineData(LinearCrossEntropyMode.Auto, "1", 60)]
    [InlineData(LinearCrossEntropyMode.Auto, "0.25", 60)]
    [InlineData(LinearCrossEntropyMode.Recompute, "0.25", 8)]
    public void Peak_memory_is_the_workspace_alone(LinearCrossEntropyMode mode, string upstream, long most)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The peak is read from /proc.");
        string host = Environment.ProcessPath!;
        string[] program = Path.GetFileNameWithoutExtension(host) == "dotnet" ? ["exec", typeof(LinearCrossEntropyMemoryTests).Assembly.Location] : [];
        var start = new ProcessStartInfo(host, [.. program, ChildCommand, $"{mode}", upstream]) { RedirectStandardOutput = true };
        start.Environment["GLIBC_TUNABLES"] = "glibc.malloc.mmap_threshold=131072";
        using var child = Process.Start(start)!;
        string said = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        Assert.True(child.ExitCode == 0, said);
        foreach (string line in said.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            long peak = long.Parse(line, CultureInfo.InvariantCulture);
            output.WriteLine($"{mode}, upstream {upstream}: {(double)peak / MiB:F1} MiB");
            Assert.InRange(peak, -MiB, most * MiB);
        }
    }

    /// <summary>The child's side: how far the second of two equal steps goes beyond what has to be there, in its first backward and in its second.</summary>
    internal static int Play(LinearCrossEntropyMode mode, double upstream)
    {
        using var scope = NewDisposeScope();
        var (x, w) = (randn(Tokens, Features).requires_grad_(), randn(Classes, Features).mul(0.05).requires_grad_());
        var target = randint(0, Classes, [Tokens], dtype: ScalarType.Int64);
        using var first = Step(); // everything is compiled
        (w.grad, x.grad) = (null, null);
        long gradients = 4 * Features * (Classes + Tokens), before = Reset();
        using var again = Step(() => Console.WriteLine(Peak() - before - gradients));
        Console.WriteLine(Peak() - before - (2 * gradients));
        return again.eq(first).all().item<bool>() ? 0 : 1;

        // both gradients in part, after two backward passes that must be each other's equal
        Tensor Step(Action? between = null)
        {
            using var step = NewDisposeScope();
            using var loss = F.linear_cross_entropy(x, w, target, options: new() { mode = mode });
            using var dy = tensor((float)upstream);
            loss.backward([dy], retain_graph: true);
            between?.Invoke();
            var once = cat([w.grad!.narrow(0, 1000, 50), x.grad!]);
            loss.backward([dy]);
            var twice = cat([w.grad!.narrow(0, 1000, 50), x.grad!]);
            Assert.True(twice.eq(once * 2).all().item<bool>());
            return twice.MoveToOuterDisposeScope();
        }
    }

    /// <summary>8,448 tokens times 256,000 classes are more than 2^31 logits.</summary>
    [Fact]
    public void More_logits_than_a_32_bit_number_counts_have_their_losses_and_gradients()
    {
        const long N = 8448, V = 256_000, D = 4, Some = 3;
        using var scope = NewDisposeScope();
        var (x, w) = (randn(N, D).requires_grad_(), randn(V, D).requires_grad_());
        var target = randint(0, V, [N], dtype: ScalarType.Int64);
        F.linear_cross_entropy(x, w, target, reduction: Reduction.Sum).backward();
        foreach (long first in (long[])[0, N / 2, N - Some])
        {
            var rows = x.detach().narrow(0, first, Some).to_type(ScalarType.Float64).requires_grad_();
            F.cross_entropy(F.linear(rows, w.detach().to_type(ScalarType.Float64)), target.narrow(0, first, Some), reduction: Reduction.Sum).backward();
            Assert.Equal(ElementAccess.Values(rows.grad!), ElementAccess.Values(x.grad!.narrow(0, first, Some)), (e, a) => Math.Abs(e - a) < 1e-5);
        }

        // the gradients of a token's logits sum to 0, and so do the weight's rows; each of the input's elements stands in one of them
        using var sum = w.grad!.sum(0, type: ScalarType.Float64);
        using var size = w.grad!.abs().sum(0, type: ScalarType.Float64);
        double share = (sum.abs() / size).max().item<double>();
        Assert.True(share < 1e-5, $"{share}; sums {string.Join(" ", ElementAccess.Values(sum))}, sizes {string.Join(" ", ElementAccess.Values(size))}");
        Assert.InRange(size.min().item<double>(), N, 8 * N);
    }

    /// <summary>The peak starts anew at what is resident now.</summary>
    private static long Reset()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        LargeBlocks.GiveBack();
        File.WriteAllText("/proc/self/clear_refs", "5");
        return Status("VmRSS:");
    }

    private static long Peak() => Status("VmHWM:");

    private static long Status(string field)
    {
        string line = File.ReadLines("/proc/self/status").First(text => text.StartsWith(field, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
