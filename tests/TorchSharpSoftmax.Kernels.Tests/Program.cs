using TorchSharpSoftmax.Kernels.Tests;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

// A child process of one of the tests, or the runner.
if (args is [ChildProcess.Flag, ..])
{
    return ChildProcess.Play(args[1..]);
}

return args.Contains("--server") || args.Contains("--internal-msbuild-node")
    ? await TestPlatformTestFramework.RunAsync(args, (_, _) => { })
    : await ConsoleRunner.Run(args);
