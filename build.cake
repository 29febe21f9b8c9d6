// The one door: ./build.sh (or build.ps1) calls this. `./build.sh --help` has the usage, build/ the work, one concern a file.

#load "build/CommandLine.cake"
#load "build/Processes.cake"
#load "build/Processor.cake"
#load "build/Machine.cake"
#load "build/Tests.cake"
#load "build/Benchmarks.cake"
#load "build/Packages.cake"
#load "build/Docs.cake"

const string Solution = "TorchSharpSoftmax.sln";

var commandLine = CommandLine.Read(Environment.GetCommandLineArgs());
Environment.CurrentDirectory = Context.Environment.WorkingDirectory.FullPath;
Processes.LeaveInterruptsToTheChildren();

Machine machine = null;
Tests tests = null;
var exitCode = 0;

void BuildRelease(string what) =>
    Processes.Must("dotnet", "msbuild", what, "-restore", "-p:Configuration=Release", "-nologo", "-v:quiet", "-clp:NoSummary", "-warnAsError");

int RunExample(string name)
{
    BuildRelease("examples/" + name);
    return Processes.Run("dotnet", new[] { "exec", $"examples/{name}/bin/Release/net10.0/{name}.dll" }.Concat(commandLine.PassedOn));
}

Task("Setup")
    .Does(() => machine = Machine.SetUp(commandLine.TorchSharp));

Task("Build")
    .IsDependentOn("Setup")
    .Does(() => BuildRelease(Solution));

Task("Test")
    .IsDependentOn("Build")
    .Does(() => tests = Tests.Run(machine.TorchSharpFrom, commandLine.PassedOn));

// What takes minutes, and finds what a few hundred cases do not.
Task("Soak")
    .IsDependentOn("Setup")
    .Does(() =>
    {
        BuildRelease("tests/TorchSharpSoftmax.Tests");
        exitCode = Tests.Soak(commandLine.PassedOn);
    });

Task("Bench")
    .IsDependentOn("Setup")
    .Does(() =>
    {
        BuildRelease("tests/TorchSharpSoftmax.Benchmarks");
        exitCode = Benchmarks.Run(commandLine.PassedOn);
    });

// Needs no Setup: the packages are compiled against the stand-in's C# alone.
Task("Pack")
    .Does(Packages.Make);

// Nor does this.
Task("Docs")
    .Does(Docs.Make);

Task("Grokking")
    .IsDependentOn("Setup")
    .Does(() => exitCode = RunExample("Grokking"));

Task("LanguageModel")
    .IsDependentOn("Setup")
    .Does(() => exitCode = RunExample("LanguageModel"));

Task("MoeGating")
    .IsDependentOn("Setup")
    .Does(() => exitCode = RunExample("MoeGating"));

try
{
    RunTarget(commandLine.Target);
}
catch (Exception e)
{
    Console.Error.WriteLine("error: " + e.GetBaseException().Message);
    Environment.Exit(1);
}
if (tests != null)
{
    tests.Summarize();
    exitCode = tests.AllPassed ? 0 : 1;
}
Environment.Exit(exitCode);
