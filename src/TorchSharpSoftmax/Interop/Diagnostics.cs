using System.Collections.Concurrent;
using System.Diagnostics;

namespace TorchSharpSoftmax;

/// <summary>What the library has to say: warnings, and the reason of a failed backward pass.</summary>
public static class Diagnostics
{
    private static readonly ConcurrentDictionary<string, bool> Traced = new();
    private static Exception? s_backwardError;

    [ThreadStatic]
    private static Exception? t_backwardError;

    /// <summary>Raised at every warning. While nobody listens, a warning goes to <see cref="Trace"/>, once per cause; never to the console.</summary>
    public static event EventHandler<WarnedEventArgs>? Warned;

    /// <summary>
    /// Takes the exception that made a function of this library fail in a backward pass, or null where none did since the last call.
    /// </summary>
    /// <remarks>
    /// An exception that leaves a backward function ends the process in TorchSharp. Ours hand the engine a gradient that it refuses instead: <c>backward()</c>
    /// throws an <see cref="System.Runtime.InteropServices.ExternalException"/> about the type or shape of a gradient, and the reason waits here. It is that of
    /// the calling thread where there is one (a backward pass on the CPU runs on the thread that asked for it), else the last of any thread.
    /// </remarks>
    public static Exception? TakeBackwardError()
    {
        var own = t_backwardError;
        t_backwardError = null;
        if (own is null)
        {
            return Interlocked.Exchange(ref s_backwardError, null);
        }

        Interlocked.CompareExchange(ref s_backwardError, null, own);
        return own;
    }

    internal static void KeepBackwardError(Exception error)
    {
        t_backwardError = error;
        Interlocked.Exchange(ref s_backwardError, error);
    }

    /// <summary>The message without libtorch's C++ stack, which TorchSharp leaves behind it.</summary>
    internal static string Reason(Exception error) => error.Message.Split("\nException raised from", 2)[0];

    internal static void Warn(string cause, string message)
    {
        if (Warned is { } listeners)
        {
            listeners(null, new WarnedEventArgs(message));
        }
        else if (Traced.TryAdd(cause, true))
        {
            Trace.TraceWarning(message);
        }
    }
}

/// <summary>One warning of the library.</summary>
/// <param name="message">What was met, and what to do about it.</param>
public sealed class WarnedEventArgs(string message) : EventArgs
{
    /// <summary>What was met, and what to do about it.</summary>
    public string Message { get; } = message;
}
