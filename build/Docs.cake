// The site of the pages under docs/ and of the XML comments. docfx is that folder's own tool: nothing else needs it, and a feed may lack it.

static class Docs
{
    const string Site = "artifacts/docs";
    const string Metadata = "artifacts/docs-metadata";

    public static void Make()
    {
        foreach (var folder in new[] { Site, Metadata })
        {
            if (System.IO.Directory.Exists(folder))
                System.IO.Directory.Delete(folder, recursive: true);
        }
        // Always against the stand-in, as Pack: the comments are read from the assemblies, and the signatures need TorchSharp's types beside them.
        Processes.Must("dotnet", "build", "src/TorchSharpSoftmax", "-c", "Release", "-p:TorchSharpFrom=native", "--nologo", "-v", "quiet");
        var root = Environment.CurrentDirectory;
        Environment.CurrentDirectory = System.IO.Path.Combine(root, "docs");
        try
        {
            if (Processes.Run("dotnet", new[] { "tool", "restore" }) != 0)
                throw new CakeException("docfx does not restore from the configured feeds. The pages under docs/ and the editor's own display of the comments need no site.");
            var (exitCode, output) = Processes.Capture("dotnet", "tool", "run", "docfx", "docfx.json");
            // A method that inherits comments and has some of its own: docfx takes the right ones, and warns.
            var told = output.Split('\n').Where(line => line.Contains("warning", StringComparison.Ordinal) || line.Contains("error", StringComparison.Ordinal))
                .Where(line => line.Contains(": ", StringComparison.Ordinal) && !line.Contains("Duplicate parameter", StringComparison.Ordinal)).ToArray();
            if (exitCode != 0 || told.Length > 0)
                throw new CakeException($"docfx ended with exit code {exitCode}. {string.Join(Environment.NewLine, told)}");
        }
        finally
        {
            Environment.CurrentDirectory = root;
        }
        System.IO.File.Copy($"{Site}/README.html", $"{Site}/index.html");
        if (!System.IO.File.Exists($"{Site}/api/TorchSharpSoftmax.Operators.html"))
            throw new CakeException($"{Site} has no page of the operators.");
        var pages = System.IO.Directory.GetFiles($"{Site}/api", "*.html").Length;
        Console.WriteLine($"Docs: {Site}/index.html ({pages} pages of the API)");
    }
}
