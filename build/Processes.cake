// Child processes: arguments as a list (no quoting), our console unless the output is asked for, and a Ctrl-C that leaves the ending to the children.

using System.Diagnostics;
using System.Runtime.InteropServices;

static class Processes
{
    // The lock for these three.
    static readonly List<Process> running = new();
    static bool interrupted;
    static int exitCodeWhenInterrupted;
    static PosixSignalRegistration onTerminate;

    // The terminal sends Ctrl-C to the children as well: they stop as they like, we wait for them and pass an exit code on.
    public static void LeaveInterruptsToTheChildren()
    {
        Console.CancelKeyPress += (_, e) => e.Cancel = Interrupt().Length > 0;
        onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            var children = Interrupt();
            context.Cancel = children.Length > 0 && !OperatingSystem.IsWindows();
            foreach (var child in context.Cancel ? children : Array.Empty<int>())
                Process.Start("kill", new[] { "-TERM", child.ToString() });
        });
    }

    static int[] Interrupt()
    {
        lock (running)
        {
            interrupted = true;
            return running.Select(child => child.Id).ToArray();
        }
    }

    public static int Run(string file, IEnumerable<string> arguments, IDictionary<string, string> environment = null, TimeSpan? limit = null) =>
        Run(file, arguments, environment, limit, null);

    public static (int ExitCode, string Output) Capture(string file, params string[] arguments) => Capture(file, arguments, null);

    public static (int ExitCode, string Output) Capture(string file, IEnumerable<string> arguments, IDictionary<string, string> environment, TimeSpan? limit = null)
    {
        var output = new System.Text.StringBuilder();
        var exitCode = Run(file, arguments, environment, limit, output);
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
                output.Append(e.Data).Append(e.Data == null ? "" : "\n");
        }
        if (output != null)
        {
            process.OutputDataReceived += Keep;
            process.ErrorDataReceived += Keep;
        }
        Start(process);
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
        lock (running)
        {
            running.Remove(process);
            if (interrupted && exitCodeWhenInterrupted == 0)
                exitCodeWhenInterrupted = process.ExitCode;
        }
        EndIfInterrupted();
        return process.ExitCode;
    }

    static void Start(Process process)
    {
        lock (running)
        {
            if (!interrupted)
            {
                process.Start();
                running.Add(process);
                return;
            }
        }
        EndIfInterrupted();
    }

    // Children run two at a time: the last one to end takes us along.
    static void EndIfInterrupted()
    {
        lock (running)
        {
            if (!interrupted)
                return;
            if (running.Count == 0)
                Environment.Exit(exitCodeWhenInterrupted == 0 ? 130 : exitCodeWhenInterrupted);
        }
        System.Threading.Thread.Sleep(System.Threading.Timeout.Infinite);
    }
}
