using System.Reflection;
using Xunit;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>
/// Examples in the test's own process: of a hundred short runs most of the time would be a hundred starts of a process. Such tests take turns, for libtorch has one
/// random generator and one pool of threads for all of it.
/// </summary>
[CollectionDefinition(Name)]
public sealed class InThisProcess
{
    public const string Name = "in this process";

    /// <summary>One for all runs: Spectre.Console keeps the first console that it meets.</summary>
    private static readonly StringWriter s_output = new();

    /// <summary>Calls the example's Main.</summary>
    internal static (int ExitCode, string Output, string Errors) Run(Assembly example, params string[] args)
    {
        using var errors = new StringWriter();
        TextWriter console = Console.Out, consoleErrors = Console.Error;
        s_output.GetStringBuilder().Clear();
        Console.SetOut(s_output);
        Console.SetError(errors);
        try
        {
            return ((int)example.EntryPoint!.Invoke(null, [args])!, s_output.ToString(), errors.ToString());
        }
        finally
        {
            Console.SetOut(console);
            Console.SetError(consoleErrors);
        }
    }
}
