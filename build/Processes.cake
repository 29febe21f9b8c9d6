// Child processes: arguments as a list (no quoting), our console unless the output is asked for, and a Ctrl-C that leaves the ending to the child.

using System.Diagnostics;
using System.Runtime.InteropServices;

static class Processes
{
    static volatile Process running;
    static volatile bool interrupted;
    static PosixSignalRegistration onTerminate;

    // The terminal sends Ctrl-C to the child as well: it stops as it likes, we wait for it and pass its exit code on.
    public static void LeaveInterruptsToTheChild()
    {
        Console.CancelKeyPress += (_, e) =>
        {
            interrupted = true;
            e.Cancel = running != null;
        };
        onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            interrupted = true;
            context.Cancel = running != null && !OperatingSystem.IsWindows();
            if (context.Cancel)
                Process.Start("kill", new[] { "-TERM", running.Id.ToString() });
        });
    }

    public static int Run(string file, IEnumerable<string> arguments, IDictionary<string, string> environment = null, TimeSpan? limit = null) =>
        Run(file, arguments, environment, limit, null);

    public static (int ExitCode, string Output) Capture(string file, params string[] arguments)
    {
        var output = new System.Text.StringBuilder();
        var exitCode = Run(file, arguments, null, null, output);
        return (exitCode, output.ToString());
    }

    // The command must succeed; its output was on the console already.
    public static void Must(string file, params string[] arguments)
    {
        if (Run(file, arguments) != 0)
            throw new CakeException($"`{file} {string.Join(' ', arguments)}` failed.");
    }

    static int Run(string file, IEnumerable<string> arguments, IDictionary<string, string> environment, TimeSpan? limit, System.Text.StringBuilder output)
    {
        var start = new ProcessStartInfo(file, arguments) { RedirectStandardOutput = output != null, RedirectStandardError = output != null };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            if (value == null)
                start.Environment.Remove(name);
            else
                start.Environment[name] = value;
        }
        using var process = new Process { StartInfo = start };
        void Keep(object sender, DataReceivedEventArgs e)
        {
            lock (output)
                output.AppendLine(e.Data);
        }
        if (output != null)
        {
            process.OutputDataReceived += Keep;
            process.ErrorDataReceived += Keep;
        }
        process.Start();
        running = process;
        if (output != null)
        {
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }
        if (!process.WaitForExit(limit ?? System.Threading.Timeout.InfiniteTimeSpan))
        {
            Console.Error.WriteLine($"error: `{file}` ran longer than {limit.Value.TotalMinutes:0} minutes and is ended.");
            process.Kill(entireProcessTree: true);
        }
        process.WaitForExit();
        running = null;
        if (interrupted)
            Environment.Exit(process.ExitCode == 0 ? 130 : process.ExitCode);
        return process.ExitCode;
    }
}
