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
}
