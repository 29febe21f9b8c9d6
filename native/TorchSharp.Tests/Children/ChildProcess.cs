using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace TorchSharp.Tests.Children;

/// <summary>How a child ended. An abort is exit code 134 (128 + SIGABRT), a segmentation fault 139.</summary>
internal sealed record ChildResult(int ExitCode, string Output, string Error)
{
    public override string ToString() => $"exit code {ExitCode}\n--- output\n{Output}\n--- error\n{Error}";
}

/// <summary>
/// Runs a static method, or a lambda that captures nothing, in a process of its own: this very program, started again with the
/// method's name. For what ends a process, and for what depends on the environment at start. The program's Main asks
/// <see cref="IsChild"/> first.
/// </summary>
internal static class ChildProcess
{
    /// <summary>An exception left the scenario. An exception that libtorch's callback lets out is an abort instead.</summary>
    public const int ScenarioThrew = 70;

    private const string Marker = "--child";
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(120);

    public static bool IsChild(string[] args) => args is [Marker, _];

    public static int RunScenario(string[] args)
    {
        string[] name = args[1].Split("::");
        Type type = Type.GetType(name[0], throwOnError: true)!;
        MethodInfo method = type.GetMethod(name[1], BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            ?? throw new MissingMethodException(name[0], name[1]);
        object? target = method.IsStatic ? null : Activator.CreateInstance(type, nonPublic: true);
        try
        {
            method.CreateDelegate<Action>(target)();
            return 0;
        }
        catch (Exception e)
        {
            Console.Error.WriteLine($"{e.GetType().Name}: {e.Message}\n{e.StackTrace}");
            return ScenarioThrew;
        }
    }

    public static ChildResult Run(Action scenario, params (string Name, string? Value)[] environment)
    {
        MethodInfo method = scenario.Method;
        if (scenario.Target is { } target && target.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length > 0)
        {
            throw new ArgumentException($"'{method.Name}' captures variables; a scenario starts in another process and has none.", nameof(scenario));
        }

        var start = new ProcessStartInfo(Dotnet)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
            ArgumentList = { method.DeclaringType!.Assembly.Location, Marker, $"{method.DeclaringType.AssemblyQualifiedName}::{method.Name}" },
        };
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";

        // Unoptimised code keeps every local alive to the end of its method and would hide a missing reference.
        start.Environment["DOTNET_TieredCompilation"] = "0";
        foreach ((string name, string? value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process child = Process.Start(start)!;
        Task<string> output = child.StandardOutput.ReadToEndAsync();
        Task<string> error = child.StandardError.ReadToEndAsync();
        if (!child.WaitForExit(s_limit))
        {
            child.Kill();
            throw new TimeoutException($"The child '{method.Name}' ran longer than {s_limit.TotalSeconds} s.");
        }

        return new ChildResult(child.ExitCode, output.Result, error.Result);
    }

    private static string Dotnet =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
            ? Environment.ProcessPath!
            : Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));
}
