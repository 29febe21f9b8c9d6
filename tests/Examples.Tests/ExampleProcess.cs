using System.Diagnostics;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>An example as its user runs it: a process of its own.</summary>
internal sealed class ExampleProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _errors;

    public ExampleProcess(string example, string[] args, Action<ProcessStartInfo>? prepare = null)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(dotnet) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, example + ".dll"));
        Array.ForEach(args, start.ArgumentList.Add);
        prepare?.Invoke(start);
        _process = Process.Start(start)!;
        _output = _process.StandardOutput.ReadToEndAsync();
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>On a terminal of its own, which util-linux's `script` provides.</summary>
    public static (int ExitCode, string Output, string Errors) RunOnTerminal(string example, params string[] args)
    {
        using var process = new ExampleProcess(example, args, start =>
        {
            string command = string.Join(' ', start.ArgumentList.Prepend(start.FileName).Select(word => $"'{word}'"));
            start.FileName = "script";
            start.ArgumentList.Clear();
            Array.ForEach(["-qec", "stty rows 40 cols 160; " + command, "/dev/null"], start.ArgumentList.Add);
            start.Environment["TERM"] = "xterm-256color";
        });
        return process.Wait();
    }

    public static (int ExitCode, string Output, string Errors) Run(string example, params string[] args)
    {
        using var process = new ExampleProcess(example, args);
        return process.Wait();
    }

    public (int ExitCode, string Output, string Errors) Wait()
    {
        if (!_process.WaitForExit(TimeSpan.FromMinutes(7)))
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException("The example did not end within seven minutes.");
        }

        return (_process.ExitCode, _output.Result, _errors.Result);
    }

    /// <summary>A background job is started deaf to Ctrl-C, and so are its children, unless they are told to listen again.</summary>
    public static void HearingCtrlC(ProcessStartInfo start)
    {
        start.ArgumentList.Insert(0, "--default-signal=INT");
        start.ArgumentList.Insert(1, start.FileName);
        start.FileName = "env";
    }

    /// <summary>What Ctrl-C sends.</summary>
    public void Interrupt()
    {
        using Process kill = Process.Start("sh", ["-c", $"kill -INT {_process.Id}"]);
        kill.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }
}
