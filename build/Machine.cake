// Where TorchSharp comes from, and what that needs on the machine. The answer goes to TorchSharpFrom.props; nothing else in the repository asks.

using System.Text.RegularExpressions;
using System.Xml.Linq;

sealed class Machine
{
    const string PropsFile = "TorchSharpFrom.props";
    const string Probe = "artifacts/probe";
    const string NativeSources = "native/libtorchsharp";
    const string NativeLibrary = "native/libtorchsharp/build/libtorchsharp.so";
    const string Plotter = "gnuplot-nox";
    // What the examples can do without: a picture, and the one that learns a language.
    static readonly string[] ExamplePackages = { Plotter, "wordnet-base" };
    static readonly string[] NativePackages = { "libtorch-dev", "libopenblas0-pthread", "cmake", "make", "g++" };

    public string TorchSharpFrom { get; private set; }

    public static Machine SetUp(string forced)
    {
        var machine = new Machine();
        var (from, why) = Decide(forced);
        machine.TorchSharpFrom = from;
        Console.WriteLine(from == "native"
            ? $"TorchSharp: native (native/TorchSharp over the system's libtorch), because {why}."
            : $"TorchSharp: package (TorchSharp-cpu {PackageVersion()} from NuGet), because {why}.");
        InstallPackages(from == "native");
        if (from == "native")
            BuildNativeLibrary();
        Remember(from, why);
        return machine;
    }

    static (string From, string Why) Decide(string forced)
    {
        if (forced == "native")
            return ("native", "--torchsharp=native says so");
        if (forced == null && Remembered() is { } earlier)
            return (earlier, $"an earlier Setup chose it ({PropsFile}; --torchsharp chooses anew)");
        var refusal = TryPackage();
        if (refusal == null)
            return ("package", forced == null ? "it restores and runs here" : "--torchsharp=package says so and it runs here");
        if (forced == "package")
            CommandLine.Refuse($"'--torchsharp=package': {refusal}; mend that (`dotnet nuget add source` adds a feed), or use --torchsharp=native.");
        return ("native", refusal);
    }

    // The real thing, small: a library on the oldest supported TorchSharp, and a program that uses it and brings libtorch along.
    static string TryPackage()
    {
        System.IO.Directory.CreateDirectory(Probe + "/library");
        System.IO.Directory.CreateDirectory(Probe + "/app");
        System.IO.File.WriteAllText(Probe + "/library/library.csproj",
            """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><UsesTorchSharp>library</UsesTorchSharp></PropertyGroup></Project>""");
        System.IO.File.WriteAllText(Probe + "/app/app.csproj",
            """
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup><UsesTorchSharp>app</UsesTorchSharp><OutputType>Exe</OutputType></PropertyGroup>
              <ItemGroup><ProjectReference Include="../library/library.csproj" /></ItemGroup>
            </Project>
            """);
        Console.WriteLine($"TorchSharp: trying to restore TorchSharp-cpu {PackageVersion()} from NuGet (the first time a large download) ...");
        System.IO.File.WriteAllText(Probe + "/app/Program.cs", "System.Console.Write(TorchSharp.torch.ones(41).sum().item<float>() + 1);");
        try
        {
            return TryPackage(Probe + "/app");
        }
        finally
        {
            System.IO.Directory.Delete(Probe, recursive: true);
        }
    }

    static string TryPackage(string app)
    {
        var (exitCode, output) = Processes.Capture("dotnet", "restore", app, "-p:TorchSharpFrom=package", "--nologo");
        if (exitCode == 0)
        {
            // The packages' libtorch may want a newer C++ runtime than the system's: what restores need not run.
            (exitCode, output) = Processes.Capture("dotnet", "run", "--project", app, "-p:TorchSharpFrom=package", "-p:RunAnalyzers=false");
            if (exitCode == 0 && output.EndsWith("42", StringComparison.Ordinal))
                return null;
            return $"TorchSharp-cpu {PackageVersion()} restores and does not run here (exit {exitCode})";
        }
        // The codes only: the messages name feeds, which are nobody's business in a log.
        var codes = Regex.Matches(output, @"\b(NU|NETSDK|MSB)\d{4}\b").Select(m => m.Value).Distinct().ToArray();
        return $"TorchSharp-cpu {PackageVersion()} does not restore from the configured feeds ({(codes.Length > 0 ? string.Join(", ", codes) : "exit " + exitCode)})";
    }

    static void InstallPackages(bool native)
    {
        var wanted = (native ? NativePackages : Array.Empty<string>()).Concat(ExamplePackages).ToArray();
        if (!IsOnPath("dpkg-query") || !IsOnPath("apt-get"))
        {
            if (native)
                CommandLine.Refuse($"'--torchsharp=native' needs Debian's packages {string.Join(' ', NativePackages)}, and this system has no apt; use --torchsharp=package.");
            if (!IsOnPath("gnuplot"))
                Console.WriteLine("Packages: no apt here; install gnuplot yourself to have the examples' pictures (they run without it).");
            Console.WriteLine("Packages: no apt here; the LanguageModel example needs WordNet's data files, its '--wordnet' tells it where they are.");
            return;
        }
        var missing = wanted.Except(Installed(wanted)).Where(p => p != Plotter || !IsOnPath("gnuplot")).ToArray();
        if (missing.Length == 0)
        {
            Console.WriteLine($"Packages: nothing to install, {string.Join(' ', wanted)} there already.");
            return;
        }
        var present = wanted.Except(missing).ToArray();
        Console.WriteLine($"Packages: installing {string.Join(' ', missing)}" + (present.Length > 0 ? $" ({string.Join(' ', present)} there already)." : "."));
        var root = Environment.IsPrivilegedProcess ? Array.Empty<string>() : new[] { "sudo", "-n" };
        if (root.Length > 0 && !(IsOnPath("sudo") && Processes.Capture("sudo", "-n", "true").ExitCode == 0))
        {
            var command = $"sudo apt-get update && sudo apt-get install --no-install-recommends {string.Join(' ', missing)}";
            if (missing.All(p => ExamplePackages.Contains(p)))
            {
                Console.WriteLine($"Packages: not root and no sudo without a password. {string.Join(' ', missing)} not installed: without {Plotter} the examples draw no picture, "
                    + $"without wordnet-base LanguageModel has no text. To have them: {command}");
                return;
            }
            CommandLine.Refuse($"{string.Join(' ', missing)} must be installed, this user is not root and has no sudo without a password. Run: {command}");
        }
        Apt(root, "update");
        Apt(root, new[] { "install", "--yes", "--no-install-recommends" }.Concat(missing).ToArray());
        Console.WriteLine($"Packages: {string.Join(' ', missing)} installed.");
    }

    // apt's own output names servers, so it is shown only when apt fails.
    static void Apt(string[] root, params string[] arguments)
    {
        var command = root.Concat(new[] { "env", "DEBIAN_FRONTEND=noninteractive", "apt-get" }).Concat(arguments).ToArray();
        var (exitCode, output) = Processes.Capture(command[0], command[1..]);
        if (exitCode == 0)
            return;
        Console.Error.WriteLine(output);
        CommandLine.Refuse($"`apt-get {string.Join(' ', arguments)}` failed with exit code {exitCode}; its output stands above.");
    }

    static void BuildNativeLibrary()
    {
        var library = new System.IO.FileInfo(NativeLibrary);
        var sources = new System.IO.DirectoryInfo(NativeSources).EnumerateFiles("*", System.IO.SearchOption.AllDirectories)
            .Where(f => !f.FullName.Contains("/build/", StringComparison.Ordinal));
        if (library.Exists && sources.All(s => s.LastWriteTimeUtc <= library.LastWriteTimeUtc))
        {
            Console.WriteLine("libtorchsharp: built, newer than its sources.");
            return;
        }
        Console.WriteLine("libtorchsharp: building (a minute or two) ...");
        var build = NativeSources + "/build";
        Processes.Must("cmake", "-S", NativeSources, "-B", build, "-DCMAKE_BUILD_TYPE=Release");
        Processes.Must("cmake", "--build", build, "--parallel", Environment.ProcessorCount.ToString());
        if (!System.IO.File.Exists(NativeLibrary))
            throw new CakeException($"CMake succeeded, yet there is no {NativeLibrary}.");
        // The linker leaves an unchanged library alone: without this a touched source would be looked at for ever.
        System.IO.File.SetLastWriteTimeUtc(NativeLibrary, DateTime.UtcNow);
        Console.WriteLine("libtorchsharp: built.");
    }

    static string Remembered()
    {
        if (!System.IO.File.Exists(PropsFile))
            return null;
        var from = XElement.Load(PropsFile).Descendants("TorchSharpFrom").FirstOrDefault()?.Value;
        return from is "package" or "native" ? from : null;
    }

    // Written only when the answer changes: MSBuild takes a newer file for a reason to build everything again.
    static void Remember(string from, string why)
    {
        if (Remembered() == from)
            return;
        var answer = new XElement("Project",
            new XComment($" Written by Setup: {why.Replace("--", "")}. Not for git. "),
            new XElement("PropertyGroup", new XElement("TorchSharpFrom", from)));
        System.IO.File.WriteAllText(PropsFile, answer + Environment.NewLine);
    }

    static string[] Installed(string[] packages)
    {
        var (_, output) = Processes.Capture("dpkg-query", new[] { "--show", "--showformat=${Package} ${db:Status-Status}\n" }.Concat(packages).ToArray());
        return output.Split('\n').Select(l => l.Trim().Split(' ')).Where(p => p.Length == 2 && p[1] == "installed").Select(p => p[0]).Distinct().ToArray();
    }

    static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator)
            .Any(folder => System.IO.File.Exists(System.IO.Path.Combine(folder, program)) || System.IO.File.Exists(System.IO.Path.Combine(folder, program + ".exe")));

    static string PackageVersion() =>
        XElement.Load("Directory.Packages.props").Descendants("PackageVersion").First(p => (string)p.Attribute("Include") == "TorchSharp-cpu").Attribute("Version").Value;
}
