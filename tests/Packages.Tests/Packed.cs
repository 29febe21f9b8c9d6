using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Xml.Linq;

namespace TorchSharpSoftmax.Packages.Tests;

/// <summary>The packages as the door makes them, and a temporary folder whose projects restore from them and touch nothing outside.</summary>
public sealed class Packed : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("packages").FullName;
    private readonly Lazy<string> _feed;

    public Packed() => _feed = new Lazy<string>(Make);

    internal static string Output => Path.Combine(Repository.Root, "artifacts", "packages");

    /// <summary>The first use packs.</summary>
    internal string Feed => _feed.Value;

    internal Package Package(string id, string extension = "nupkg") => new(Path.Combine(Feed, $"{id}.{Repository.Version}.{extension}"));

    /// <summary>A new folder beside the feed.</summary>
    internal string NewFolder(string name) => Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(Feed)!, name)).FullName;

    /// <summary>A command of the SDK that finds our packages in the feed, and keeps what it unpacks and builds to this folder.</summary>
    internal Command Dotnet(string folder, params string[] arguments) => new(folder, Command.Dotnet, arguments)
    {
        Environment =
        {
            ["NUGET_PACKAGES"] = Path.Combine(_folder, "unpacked"),
            ["XDG_DATA_HOME"] = NewFolder("data"), // where the SDK builds scripts
            ["OMP_NUM_THREADS"] = "1", // other tests run beside these
        },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Make()
    {
        Repository.Pack();
        string feed = Directory.CreateDirectory(Path.Combine(_folder, "feed")).FullName;
        foreach (string file in Directory.GetFiles(Output))
        {
            File.Copy(file, Path.Combine(feed, Path.GetFileName(file)));
        }

        if (!Repository.HasTorchSharpsPackage)
        {
            PackStandIn(Path.Combine(feed, $"TorchSharp.{Repository.OldestTorchSharp}.nupkg"));
        }

        Configuration(feed).Save(Path.Combine(_folder, "nuget.config"));
        return feed;
    }

    /// <summary>With TorchSharp's package the user's feeds and unpacked packages count too, else nothing but our feed.</summary>
    private static XElement Configuration(string feed)
    {
        var clear = new XElement("clear");
        var source = new XElement("add", new XAttribute("key", "packed"), new XAttribute("value", feed));
        string unpacked = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        return Repository.HasTorchSharpsPackage
            ? new XElement("configuration",
                new XElement("packageSources", source),
                new XElement("fallbackPackageFolders", new XElement("add", new XAttribute("key", "unpacked"), new XAttribute("value", unpacked))))
            : new XElement("configuration",
                new XElement("packageSources", clear, source),
                new XElement("packageSourceMapping", clear),
                new XElement("fallbackPackageFolders", clear));
    }

    /// <summary>Written by hand and into this feed only: the stand-in's project refuses to be packed.</summary>
    private static void PackStandIn(string file)
    {
        using ZipArchive package = ZipFile.Open(file, ZipArchiveMode.Create);
        string architecture = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64";
        package.CreateEntryFromFile(Path.Combine(AppContext.BaseDirectory, "TorchSharp.dll"), "lib/net10.0/TorchSharp.dll");
        package.CreateEntryFromFile(Path.Combine(AppContext.BaseDirectory, "libtorchsharp.so"), $"runtimes/linux-{architecture}/native/libtorchsharp.so");
        using var manifest = new StreamWriter(package.CreateEntry("TorchSharp.nuspec").Open());
        manifest.Write($"""
            <package>
              <metadata>
                <id>TorchSharp</id>
                <version>{Repository.OldestTorchSharp}</version>
                <authors>The tests</authors>
                <description>The stand-in, for the tests of the packages.</description>
                <dependencies><group targetFramework="net10.0" /></dependencies>
              </metadata>
            </package>
            """);
    }
}
