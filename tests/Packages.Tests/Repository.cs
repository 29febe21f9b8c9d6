using System.Reflection;
using System.Xml.Linq;

namespace TorchSharpSoftmax.Packages.Tests;

/// <summary>What the sources say of the packages, and the door that makes them.</summary>
internal static class Repository
{
    internal static string Root { get; } = Find();

    internal static string Version { get; } = XElement.Load(Path.Combine(Root, "Directory.Build.props")).Descendants("Version").Single().Value;

    internal static string OldestTorchSharp { get; } = PackageVersions.Descendants("TorchSharpOldestSupported").Single().Value;

    internal static string NewestTorchSharp { get; } =
        PackageVersions.Descendants("PackageVersion").Single(p => (string?)p.Attribute("Include") == "TorchSharp-cpu").Attribute("Version")!.Value;

    /// <summary>This program was built with TorchSharp from NuGet; otherwise over the system's libtorch.</summary>
    internal static bool HasTorchSharpsPackage { get; } = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(a => a.Key == "TorchSharpFrom").Value == "package";

    private static XElement PackageVersions => XElement.Load(Path.Combine(Root, "Directory.Packages.props"));

    /// <summary>As a user makes the packages.</summary>
    internal static void Pack()
    {
        Command pack = OperatingSystem.IsWindows()
            ? new Command(Root, "pwsh", "-File", "build.ps1", "--target=Pack")
            : new Command(Root, "bash", "build.sh", "--target=Pack");
        pack.MustSucceed();
    }

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "TorchSharpSoftmax.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"{AppContext.BaseDirectory} lies outside the repository.");
    }
}
