using TorchSharp.Tests.Surface;
using Xunit.Runner.InProc.SystemConsole;

// The tests, and the one other thing this program does: the kept lists' upkeep.
return args is ["surface", "update" or "check", _, _] ? KeptLists.Run(args[1], args[2], args[3]) : await ConsoleRunner.Run(args);
