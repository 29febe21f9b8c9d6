using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace TorchSharp.Interop;

/// <summary>
/// Strict mode: where TorchSharp reads raw handles after a managed call has returned, a collection runs first, and a handle that
/// has been freed by then ends the process instead of being undefined behaviour. Everything else that TorchSharp punishes is
/// punished always.
/// </summary>
internal static unsafe class Strict
{
    internal static readonly bool Enabled = Environment.GetEnvironmentVariable("TORCHSHARP_STANDIN_STRICT") == "1";

    internal static readonly delegate* unmanaged<void> CollectCallback = &Collect;

    /// <summary>The end that an error takes where TorchSharp's native code does not catch it.</summary>
    internal static Exception Terminated(Exception error)
    {
        Console.Error.WriteLine($"terminate called after throwing an instance of 'c10::Error'\n  what():  {error.Message}");
        Environment.FailFast(error.Message);
        return error;
    }

    internal static void CheckUncaught(int failed)
    {
        if (failed == 0) return;
        var error = Library.LastError();
        throw Enabled ? Terminated(error) : error;
    }

    private static int s_collections;

    // What dies between two reads is young; for what grew old first, every thirty-second collection looks everywhere.
    [UnmanagedCallersOnly]
    private static void Collect()
    {
        GC.Collect(Interlocked.Increment(ref s_collections) % 32 == 0 ? GC.MaxGeneration : 1);
        GC.WaitForPendingFinalizers();
    }
}
