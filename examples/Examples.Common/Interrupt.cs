using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Examples;

/// <summary>Turns Ctrl-C (or SIGTERM) into a request to stop after the current step; a second one ends the process as usual.</summary>
public sealed class Interrupt : IDisposable
{
    public const int ExitCode = 130;

    private readonly PosixSignalRegistration[] _signals;
    private int _requests;

    public Interrupt() => _signals = [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
    ];

    public bool Requested => Volatile.Read(ref _requests) > 0;

    public void Dispose() => Array.ForEach(_signals, s => s.Dispose());

    private void OnSignal(PosixSignalContext context) => context.Cancel = Interlocked.Increment(ref _requests) == 1;
}
