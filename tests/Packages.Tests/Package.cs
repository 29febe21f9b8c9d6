using System.Collections.Immutable;
using System.IO.Compression;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace TorchSharpSoftmax.Packages.Tests;

/// <summary>A package's files, read into memory.</summary>
internal sealed class Package
{
    internal Package(string path)
    {
        using ZipArchive archive = ZipFile.OpenRead(path);
        Files = archive.Entries.Where(entry => !IsWrapping(entry.FullName)).ToDictionary(entry => entry.FullName, entry =>
        {
            using var content = new MemoryStream();
            using Stream stream = entry.Open();
            stream.CopyTo(content);
            return content.ToArray();
        });
        Manifest = XElement.Load(new MemoryStream(Files.Single(file => file.Key.EndsWith(".nuspec", StringComparison.Ordinal)).Value));
    }

    /// <summary>Without the container's own, whose names change with each pack.</summary>
    internal IReadOnlyDictionary<string, byte[]> Files { get; }

    internal XElement Manifest { get; }

    internal string? Says(string element) => Manifest.Descendants(Manifest.Name.Namespace + element).SingleOrDefault()?.Value;

    /// <summary>Each as `id >= version`.</summary>
    internal string[] Dependencies() =>
        [.. Manifest.Descendants(Manifest.Name.Namespace + "dependency").Select(d => $"{(string?)d.Attribute("id")} >= {(string?)d.Attribute("version")}")];

    internal PEReader Assembly(string id) => new(Files[$"lib/net10.0/{id}.dll"].ToImmutableArray());

    internal MetadataReaderProvider Symbols(string id) => MetadataReaderProvider.FromPortablePdbImage(Files[$"lib/net10.0/{id}.pdb"].ToImmutableArray());

    private static bool IsWrapping(string name) => name is "_rels/.rels" or "[Content_Types].xml" || name.StartsWith("package/", StringComparison.Ordinal);
}
