using TorchSharpSoftmax.Tests;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

// The soak, or the runner of the tests.
if (args is ["soak", ..])
{
    return SoakCommand.Run(args[1..]);
}

return args.Contains("--server") || args.Contains("--internal-msbuild-node")
    ? await TestPlatformTestFramework.RunAsync(args, (_, _) => { })
    : await ConsoleRunner.Run(args);
