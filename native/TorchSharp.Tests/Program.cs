using TorchSharp.Tests.Children;
using TorchSharp.Tests.Surface;
using Xunit.Runner.InProc.SystemConsole;

// The tests; one of their child processes; or the kept lists' upkeep.
return args switch
{
    ["surface", "update" or "check", _, _] => KeptLists.Run(args[1], args[2], args[3]),
    _ when ChildProcess.IsChild(args) => ChildProcess.RunScenario(args),
    _ => await ConsoleRunner.Run(args),
};
