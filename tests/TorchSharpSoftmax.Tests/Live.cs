using System.Collections;
using System.Reflection;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>What is alive: TorchSharp's list of graph nodes, which a leaked one never leaves, and the memory of the process.</summary>
internal static class Live
{
    private static readonly ICollection AliveNodes = (ICollection)typeof(autograd)
        .GetNestedType("Node", BindingFlags.NonPublic)!
        .GetField("AliveNodes", BindingFlags.NonPublic | BindingFlags.Static)!
        .GetValue(null)!;

    internal static int Nodes
    {
        get
        {
            lock (AliveNodes)
            {
                return AliveNodes.Count;
            }
        }
    }

    /// <summary>Graph nodes and tensors, once what earlier tests left to the garbage collector is gone.</summary>
    internal static (int Nodes, long Tensors) Counts()
    {
        Collect();
        return (Nodes, Tensor.TotalCount);
    }

    /// <summary>Resident memory in MiB, without garbage and without the managed heap's free space.</summary>
    internal static double ResidentMiB()
    {
        Collect();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        string line = File.ReadLines("/proc/self/status").First(text => text.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) / 1024;
    }

    internal static void Collect()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
    }

    /// <summary>Counts and resident memory at the end are those after warming up, while another thread collects all the time.</summary>
    internal static void AssertNothingAccumulates(ITestOutputHelper output, string what, int steps, Action step)
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Thread.Sleep(2);
            }
        });
        collector.Start();
        (int Nodes, long Tensors, double MiB) warm;
        try
        {
            for (int i = 0; i < steps / 2; i++)
            {
                step();
            }

            warm = Settled();
            for (int i = 0; i < steps; i++)
            {
                step();
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }

        var end = Settled();
        output.WriteLine($"{what}: after {steps / 2} steps {warm}, after {steps} more {end}");
        Assert.Equal((warm.Nodes, warm.Tensors), (end.Nodes, end.Tensors));
        Assert.InRange(end.MiB, 0, warm.MiB + 8);
    }

    private static (int Nodes, long Tensors, double MiB) Settled()
    {
        var (nodes, tensors) = Counts();
        return (nodes, tensors, ResidentMiB());
    }
}
