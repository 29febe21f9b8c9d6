using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Examples;

/// <summary>Turns Ctrl-C (or SIGTERM) into a request to stop after the current step; a second one ends the process as usual.</summary>
public sealed class Interrupt : IDisposable
{
    public const int ExitCode = 130;

    private readonly PosixSignalRegistration[] _signals;
    private int _requests;
    private volatile bool _inputEnded;

    /// <param name="orEndOfInput">
    /// For a process that another one started: that one's closing of our input is a request too, so that it can ask whether or not the terminal did,
    /// and its death is one.
    /// </param>
    public Interrupt(bool orEndOfInput = false)
    {
        _signals = [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        ];
        if (orEndOfInput)
        {
            new Thread(ReadToEnd) { IsBackground = true }.Start();
        }
    }

    public bool Requested => Volatile.Read(ref _requests) > 0 || _inputEnded;

    public void Dispose() => Array.ForEach(_signals, s => s.Dispose());

    private void OnSignal(PosixSignalContext context) => context.Cancel = Interlocked.Increment(ref _requests) == 1;

    private void ReadToEnd()
    {
        using Stream input = Console.OpenStandardInput();
        byte[] ignored = new byte[64];
        while (input.Read(ignored) > 0)
        {
        }

        _inputEnded = true;
    }
}
