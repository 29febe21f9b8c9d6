using System.Collections.Immutable;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using Xunit;

namespace TorchSharpSoftmax.Packages.Tests;

/// <summary>What is in the packages, and what is not.</summary>
public sealed class PackageTests(Packed packed)
{
    private const string Kernels = "TorchSharpSoftmax.Kernels", Library = "TorchSharpSoftmax";

    /// <summary>TorchSharp's, as `sn -T` shows it.</summary>
    private const string TorchSharpsToken = "67B0E5E1DA516A1C";

    [Fact]
    public void Pack_makes_two_packages_and_their_symbols_and_nothing_else()
    {
        string[] made = [.. Directory.GetFiles(packed.Feed).Select(file => Path.GetFileName(file)).Where(file => !file.StartsWith("TorchSharp.", StringComparison.Ordinal))];
        Array.Sort(made, StringComparer.Ordinal);
        Assert.Equal(
            [$"{Library}.{Repository.Version}.nupkg", $"{Library}.{Repository.Version}.snupkg", $"{Kernels}.{Repository.Version}.nupkg", $"{Kernels}.{Repository.Version}.snupkg"],
            made);
        Assert.Empty(Directory.GetFiles(Packed.Output, "TorchSharp.*"));
    }

    [Theory]
    [InlineData(Kernels)]
    [InlineData(Library)]
    public void A_package_holds_an_assembly_its_documentation_a_readme_and_an_icon(string id)
    {
        string[] files = [.. packed.Package(id).Files.Keys.Order(StringComparer.Ordinal)];
        Assert.Equal(["README.md", $"{id}.nuspec", "icon.png", $"lib/net10.0/{id}.dll", $"lib/net10.0/{id}.xml"], files.Order(StringComparer.Ordinal));
        string[] symbols = [.. packed.Package(id, "snupkg").Files.Keys.Order(StringComparer.Ordinal)];
        Assert.Equal([$"{id}.nuspec", $"lib/net10.0/{id}.pdb"], symbols);
    }

    [Theory]
    [InlineData(Kernels)]
    [InlineData(Library)]
    public void A_package_tells_its_licence_and_shows_its_readme_and_icon(string id)
    {
        Package package = packed.Package(id);
        Assert.Equal(id, package.Says("id"));
        Assert.Equal(Repository.Version, package.Says("version"));
        Assert.Equal("MIT", package.Says("license"));
        Assert.Equal("expression", (string?)package.Manifest.Descendants(package.Manifest.Name.Namespace + "license").Single().Attribute("type"));
        Assert.Equal("README.md", package.Says("readme"));
        Assert.Equal("icon.png", package.Says("icon"));
        Assert.NotEmpty(package.Says("description")!);
        Assert.Equal(File.ReadAllBytes(Path.Combine(Repository.Root, "README.md")), package.Files["README.md"]);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], package.Files["icon.png"][..4]);
    }

    [Fact]
    public void The_kernels_depend_on_no_package_and_no_other_assembly()
    {
        Package package = packed.Package(Kernels);
        Assert.Empty(package.Dependencies());
        Assert.All(References(package, Kernels), reference => Assert.StartsWith("System.", reference.Name, StringComparison.Ordinal));
    }

    [Fact]
    public void The_library_depends_on_the_oldest_TorchSharp_and_on_the_kernels_and_on_nothing_else()
    {
        Package package = packed.Package(Library);
        Assert.Equal([$"TorchSharp >= {Repository.OldestTorchSharp}", $"{Kernels} >= {Repository.Version}"], package.Dependencies());
        AssemblyName[] references = [.. References(package, Library).Where(reference => !reference.Name!.StartsWith("System.", StringComparison.Ordinal))];
        Assert.Equal(["TorchSharp", Kernels], references.Select(reference => reference.Name).Order(StringComparer.Ordinal));
        AssemblyName torchSharp = references.Single(reference => reference.Name == "TorchSharp");
        Assert.Equal(Version.Parse(Repository.OldestTorchSharp + ".0"), torchSharp.Version);
        Assert.Equal(TorchSharpsToken, Convert.ToHexString(torchSharp.GetPublicKeyToken()!));
    }

    [Theory]
    [InlineData(Kernels, "SoftmaxKernels")]
    [InlineData(Library, "Operators")]
    public void What_is_public_is_documented(string id, string type)
    {
        string documentation = Encoding.UTF8.GetString(packed.Package(id).Files[$"lib/net10.0/{id}.xml"]);
        Assert.Contains($"<member name=\"T:{id}.{type}\">", documentation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Kernels, "src/TorchSharpSoftmax.Kernels/Softmax/SoftmaxKernels.cs")]
    [InlineData(Library, "src/TorchSharpSoftmax/Softmax/TwoPassSoftmaxFunction.cs")]
    public void Symbols_are_those_of_the_assembly_and_name_sources_from_the_repositorys_root(string id, string source)
    {
        using PEReader assembly = packed.Package(id).Assembly(id);
        using MetadataReaderProvider provider = packed.Package(id, "snupkg").Symbols(id);
        MetadataReader symbols = provider.GetMetadataReader();
        ImmutableArray<DebugDirectoryEntry> entries = assembly.ReadDebugDirectory();
        Assert.Contains(entries, e => e.Type == DebugDirectoryEntryType.Reproducible); // the same sources make the same assembly
        DebugDirectoryEntry entry = entries.Single(e => e.Type == DebugDirectoryEntryType.CodeView);
        Assert.Equal(assembly.ReadCodeViewDebugDirectoryData(entry).Guid, new BlobContentId(symbols.DebugMetadataHeader!.Id).Guid);

        string[] sources = [.. symbols.Documents.Select(document => symbols.GetString(symbols.GetDocument(document).Name))];
        Assert.DoesNotContain(sources, file => !file.StartsWith("/_/", StringComparison.Ordinal));
        Assert.Contains("/_/" + source, sources);
    }

    [Theory]
    [InlineData(Kernels)]
    [InlineData(Library)]
    public void No_file_names_the_folder_that_it_was_made_in(string id)
    {
        foreach ((string name, byte[] content) in packed.Package(id).Files.Concat(packed.Package(id, "snupkg").Files))
        {
            Assert.True(content.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Repository.Root)) < 0, name);
            Assert.True(content.AsSpan().IndexOf(Encoding.Unicode.GetBytes(Repository.Root)) < 0, name);
        }
    }

    [Fact]
    public void Git_ignores_what_Pack_makes() =>
        Assert.Contains("artifacts/", File.ReadAllLines(Path.Combine(Repository.Root, ".gitignore")));

    private static ImmutableArray<AssemblyName> References(Package package, string id)
    {
        using PEReader assembly = package.Assembly(id);
        MetadataReader metadata = assembly.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(reference => metadata.GetAssemblyReference(reference).GetAssemblyName())];
    }
}
