using System.Globalization;
using TorchSharpSoftmax;
using TorchSharpSoftmax.Tests;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

// The soak, a test's child, or the runner of the tests.
if (args is ["soak", ..])
{
    return SoakCommand.Run(args[1..]);
}

if (args is [LinearCrossEntropyMemoryTests.ChildCommand, var mode, var upstream])
{
    return LinearCrossEntropyMemoryTests.Play(Enum.Parse<LinearCrossEntropyMode>(mode), double.Parse(upstream, CultureInfo.InvariantCulture));
}

return args.Contains("--server") || args.Contains("--internal-msbuild-node")
    ? await TestPlatformTestFramework.RunAsync(args, (_, _) => { })
    : await ConsoleRunner.Run(args);
