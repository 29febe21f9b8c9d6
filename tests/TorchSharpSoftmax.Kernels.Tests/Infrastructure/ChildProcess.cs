using System.Diagnostics;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Runs this test program again as its own child: for what would end the process, and for settings read once at its start.</summary>
internal static class ChildProcess
{
    internal const string Flag = "--child";

    internal const int Done = 0, Refused = 2;

    /// <summary>The child's side.</summary>
    internal static int Play(string[] args) => args switch
    {
        ["touch", string where] => Touch(where),
        ["kernels", string bits] => KernelTour.Run(int.Parse(bits, System.Globalization.CultureInfo.InvariantCulture)),
        ["call"] => KernelTour.OnlyTheCall(),
        ["widths"] => PrintWidths(),
        _ => Refused,
    };

    /// <summary>The parent's side: exit code and output.</summary>
    internal static (int ExitCode, string Output) Run(string[] args, params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add("exec");
            start.ArgumentList.Add(typeof(ChildProcess).Assembly.Location);
        }

        start.ArgumentList.Add(Flag);
        foreach (string arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        foreach ((string name, string? value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process child = Process.Start(start)!;
        Task<string> errors = child.StandardError.ReadToEndAsync();
        string output = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return (child.ExitCode, output + errors.Result);
    }

    private static unsafe int Touch(string where)
    {
        using var memory = new GuardedMemory<byte>(100);
        byte* p = where.StartsWith("behind", StringComparison.Ordinal) ? memory.Row(100, Placement.Ending).Pointer + 100
            : where.StartsWith("before", StringComparison.Ordinal) ? memory.Row(100, Placement.Beginning).Pointer - 1
            : memory.Row(100, Placement.Ending).Pointer;
        if (where.EndsWith("write", StringComparison.Ordinal))
        {
            *p = 1;
        }
        else
        {
            Volatile.Read(ref *p);
        }

        return Done;
    }

    private static int PrintWidths()
    {
        Console.WriteLine($"available {string.Join(' ', Isa.AvailableBits)}; default {Isa.Bits}");
        return Done;
    }
}
