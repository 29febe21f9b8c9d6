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

    /// <summary>Until nothing more goes: a finalizer may free what held others, and those are counted until their own have run.</summary>
    internal static void Collect()
    {
        (int, long) before;
        int rounds = 0;
        do
        {
            before = (Nodes, Tensor.TotalCount);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        while (++rounds < 2 || before != (Nodes, Tensor.TotalCount));
    }

    /// <summary>Counts and resident memory at the end are those after warming up, while another thread collects all the time.</summary>
    internal static void AssertNothingAccumulates(ITestOutputHelper output, string what, int steps, Action step)
    {
        (int Nodes, long Tensors, double MiB) warm;
        using (CollectMeanwhile())
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

        var end = Settled();
        output.WriteLine($"{what}: after {steps / 2} steps {warm}, after {steps} more {end}");
        Assert.Equal((warm.Nodes, warm.Tensors), (end.Nodes, end.Tensors));
        Assert.InRange(end.MiB, 0, warm.MiB + 8);
    }

    /// <summary>Collects on another thread until it is disposed.</summary>
    internal static IDisposable CollectMeanwhile() => new Collector();

    /// <summary>Nodes, tensors and memory once nothing is left to collect.</summary>
    internal static (int Nodes, long Tensors, double MiB) Settled()
    {
        var (nodes, tensors) = Counts();
        return (nodes, tensors, ResidentMiB());
    }

    private sealed class Collector : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Thread _thread;

        internal Collector()
        {
            _thread = new Thread(Collect);
            _thread.Start();
        }

        public void Dispose()
        {
            _stop.Cancel();
            _thread.Join();
            _stop.Dispose();
        }

        private void Collect()
        {
            while (!_stop.IsCancellationRequested)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Thread.Sleep(2);
            }
        }
    }
}
