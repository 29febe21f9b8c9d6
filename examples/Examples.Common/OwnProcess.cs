using System.Diagnostics;
using System.Globalization;

namespace TorchSharpSoftmax.Examples;

/// <summary>This program once more, and what a process has taken of the memory.</summary>
public static class OwnProcess
{
    /// <summary>The most memory that this process has had at once, in MiB: the peak of its resident set.</summary>
    public static double PeakMiB()
    {
        const string status = "/proc/self/status";
        if (File.Exists(status) && File.ReadLines(status).FirstOrDefault(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)) is { } peak)
        {
            return double.Parse(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        }

        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64 / (1024.0 * 1024.0);
    }

    /// <summary>Runs this program with other arguments, on the same console. An interrupt here closes the child's input (<see cref="Interrupt"/>).</summary>
    /// <returns>The child's exit code.</returns>
    public static int Run(string assembly, IEnumerable<string> arguments, Interrupt interrupt)
    {
        // `dotnet program.dll` runs under the name of dotnet, which needs to be told what to run; a program's own executable does not.
        string host = Environment.ProcessPath!;
        bool isHost = Path.GetFileNameWithoutExtension(host) == "dotnet";
        var start = new ProcessStartInfo(host, isHost ? arguments.Prepend(assembly) : arguments) { RedirectStandardInput = true };
        using Process child = Process.Start(start)!;
        while (!child.WaitForExit(TimeSpan.FromMilliseconds(50)))
        {
            if (interrupt.Requested)
            {
                child.StandardInput.Close();
                child.WaitForExit();
            }
        }

        return child.ExitCode;
    }
}
