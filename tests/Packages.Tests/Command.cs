using System.Diagnostics;
using Xunit;

namespace TorchSharpSoftmax.Packages.Tests;

/// <summary>A process in a folder; what it prints is kept.</summary>
internal sealed class Command(string folder, string program, params string[] arguments)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    internal Dictionary<string, string> Environment { get; init; } = [];

    internal static string Dotnet => System.Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    internal string MustSucceed()
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        // A build's helpers that outlive it would hold its output open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        foreach ((string name, string value) in Environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"`{program} {string.Join(' ', arguments)}` did not end within {Limit.TotalMinutes} minutes.");
        }

        Assert.True(process.ExitCode == 0, $"`{program} {string.Join(' ', arguments)}`: exit code {process.ExitCode}\n{output.Result}\n{errors.Result}");
        return output.Result;
    }
}
