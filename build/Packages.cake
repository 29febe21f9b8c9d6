// The two packages, and a look into them: a wrong dependency or a stray file is found here, not by a user.

using System.IO.Compression;
using System.Xml.Linq;

static class Packages
{
    const string Output = "artifacts/packages", Tree = "artifacts/pack";

    public static void Make()
    {
        if (System.IO.Directory.Exists(Output))
            System.IO.Directory.Delete(Output, recursive: true);
        // Always against the stand-in: its identity is that of the oldest supported TorchSharp, which is what the dependency must say.
        // As on a build server, so that no folder of this machine is in what users get, and in a tree of their own, which disturbs no other build.
        // The analyzers' say is in Build.
        Pack("src/TorchSharpSoftmax", "-p:RunAnalyzers=false");
        Pack("src/TorchSharpSoftmax.Kernels", "--no-build");
        var props = XElement.Load("Directory.Packages.props");
        var torchSharp = props.Descendants("TorchSharpOldestSupported").Single().Value;
        var version = XElement.Load("Directory.Build.props").Descendants("Version").Single().Value;
        Check("TorchSharpSoftmax.Kernels", version);
        Check("TorchSharpSoftmax", version, ("TorchSharp", torchSharp), ("TorchSharpSoftmax.Kernels", version));
    }

    static void Pack(string project, string how) => Processes.Must("dotnet", "pack", project, how, "-c", "Release", "-o", Output, "--artifacts-path", Tree,
        "-p:TorchSharpFrom=native", "-p:ContinuousIntegrationBuild=true", "--nologo", "-v", "quiet");

    static void Check(string id, string version, params (string Id, string Version)[] dependencies)
    {
        var file = $"{Output}/{id}.{version}.nupkg";
        using var package = ZipFile.OpenRead(file);
        using var nuspec = package.GetEntry(id + ".nuspec").Open();
        var found = XElement.Load(nuspec).Descendants().Where(e => e.Name.LocalName == "dependency")
            .Select(e => ((string)e.Attribute("id"), (string)e.Attribute("version"))).OrderBy(d => d.Item1, StringComparer.Ordinal).ToArray();
        if (!found.SequenceEqual(dependencies))
            throw new CakeException($"{file} depends on {string.Join(", ", found)}; it must depend on {string.Join(", ", dependencies)}.");
        var files = package.Entries.Select(e => e.FullName).Where(f => f.StartsWith("lib/", StringComparison.Ordinal) || f.StartsWith("runtimes/", StringComparison.Ordinal));
        var stray = files.Except(new[] { $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml" }).ToArray();
        if (stray.Length > 0)
            throw new CakeException($"{file} contains {string.Join(", ", stray)}, which does not belong there.");
        foreach (var needed in new[] { $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml", "README.md", "icon.png" })
        {
            if (package.GetEntry(needed) == null)
                throw new CakeException($"{file} lacks {needed}.");
        }
        if (!System.IO.File.Exists(System.IO.Path.ChangeExtension(file, ".snupkg")))
            throw new CakeException($"{file} has no symbol package beside it.");
        Console.WriteLine($"Pack: {file} (depends on {(found.Length == 0 ? "nothing" : string.Join(", ", found.Select(d => $"{d.Item1} >= {d.Item2}")))})");
    }
}
