using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Xunit;

namespace TorchSharp.Tests.Surface;

/// <summary>The stand-in is the real TorchSharp, member by member, as far as it goes; and the library needs nothing beyond the oldest and the newest real one.</summary>
public class SurfaceTests
{
    private static readonly SurfaceList s_ours = new(SurfaceFormat.Lines(Assembly.Load("TorchSharp")));

    private static readonly SurfaceList s_real = SurfaceList.Kept("0.107.0");

    /// <summary>The library as compiled against the stand-in; the build puts it beside the tests.</summary>
    internal static string LibraryPath => Path.Combine(AppContext.BaseDirectory, "TorchSharpSoftmax.dll");

    [Fact]
    public void Every_member_of_the_stand_in_is_a_member_of_the_real_one_letter_for_letter()
    {
        Assert.True(s_ours.Members.Count > 100, $"The stand-in shows {s_ours.Members.Count} members only.");
        None(SurfaceComparison.Invented(s_ours, s_real));
    }

    [Fact]
    public void Every_type_of_the_stand_in_has_the_kind_and_the_bases_of_the_real_one() => None(SurfaceComparison.Misshapen(s_ours, s_real));

    [Fact]
    public void A_name_that_the_stand_in_has_has_all_overloads_whose_types_it_knows() => None(SurfaceComparison.Missing(s_ours, s_real));

    [Theory]
    [InlineData(typeof(torch.nn.Reduction), typeof(long))]
    [InlineData(typeof(torch.ScalarType), typeof(sbyte))]
    [InlineData(typeof(DeviceType), typeof(int))]
    [InlineData(typeof(torch.RoundingMode), typeof(int))]
    public void An_enumeration_has_the_width_of_the_real_one_which_the_lists_do_not_show(Type enumeration, Type underlying) =>
        Assert.Equal(underlying, Enum.GetUnderlyingType(enumeration));

    [Fact]
    public void The_stand_in_has_the_identity_of_the_oldest_supported_one() =>
        Assert.Equal("TorchSharp, Version=0.102.8.0, Culture=neutral, PublicKeyToken=67b0e5e1da516a1c", Assembly.Load("TorchSharp").FullName);

    [Fact]
    public void The_library_refers_to_that_identity_and_to_no_newer_one()
    {
        using FileStream stream = File.OpenRead(LibraryPath);
        using var file = new PEReader(stream);
        MetadataReader metadata = file.GetMetadataReader();
        AssemblyName reference = metadata.AssemblyReferences.Select(h => metadata.GetAssemblyReference(h).GetAssemblyName()).Single(n => n.Name == "TorchSharp");
        Assert.Equal(Assembly.Load("TorchSharp").FullName, reference.FullName);
    }

    [Theory]
    [InlineData("0.102.8")]
    [InlineData("0.107.0")]
    public void The_library_calls_only_what_that_version_has(string version)
    {
        SurfaceList real = SurfaceList.Kept(version);
        CompiledCalls calls = CompiledCalls.Of(LibraryPath, "TorchSharp");
        None([.. calls.Types.Where(t => !real.Types.ContainsKey(t)).Select(t => $"the library names a type that {version} has not: {t}")]);
        None([.. calls.Members.Where(m => !real.Find(m).Any()).Select(m => $"the library calls a member that {version} has not: {m}")]);
    }

    [Theory]
    [InlineData("0.102.8")]
    [InlineData("0.107.0")]
    public void The_library_overrides_every_abstract_member_of_that_version(string version)
    {
        SurfaceList real = SurfaceList.Kept(version);
        var missing = new List<string>();
        foreach ((string derived, TypeNode parent, HashSet<string> overrides) in CompiledCalls.Of(LibraryPath, "TorchSharp").DerivedTypes)
        {
            foreach (SurfaceLine line in real.Members.Where(m => m.IsAbstract && m.Declaring.Key == parent.Key))
            {
                Dictionary<string, TypeNode> own = parent.Arguments.Select((a, i) => ("!" + i, a)).ToDictionary();
                foreach (string signature in line.Signatures)
                {
                    string wanted = signature[(signature.IndexOf("::", StringComparison.Ordinal) + 2)..signature.LastIndexOf(':')];
                    foreach ((string parameter, TypeNode argument) in own)
                    {
                        wanted = wanted.Replace(parameter, argument.ToString(), StringComparison.Ordinal);
                    }

                    if (!overrides.Contains(wanted.Contains('(') ? wanted : wanted + "()"))
                    {
                        missing.Add($"{derived} does not override {line.Text.Trim()}");
                    }
                }
            }
        }

        None(missing);
    }

    [Theory]
    [InlineData("  public torch.Tensor torch.Tensor.mean()", "  public torch.Tensor torch.Tensor.means()")]
    [InlineData("  public torch.Tensor torch.Tensor.clone()", "  public torch.Tensor torch.Tensor.clone(bool deep = false)")]
    [InlineData("  protected ctor torch.nn.Module(string name)", "  public ctor torch.nn.Module(string name)")]
    public void A_member_that_differs_in_one_word_is_reported_with_the_real_one_beside_it(string real, string invented)
    {
        string report = Assert.Single(SurfaceComparison.Invented(new SurfaceList([invented]), s_real));
        Assert.Contains(invented, report);
        Assert.Contains(real, report);
    }

    [Fact]
    public void A_missing_overload_of_known_types_is_reported_and_one_of_unknown_types_is_not()
    {
        string[] type = ["T torch.Tensor | [TorchSharp] class : IDisposable"];
        string[] real = [.. type, "  public void torch.Tensor.f(long a)", "  public void torch.Tensor.f(double a = 0.5)", "  public void torch.Tensor.f(torch.Unknown a)"];
        var ours = new SurfaceList([.. type, "  public void torch.Tensor.f(long a)"]);
        Assert.Contains("f(double a", Assert.Single(SurfaceComparison.Missing(ours, new SurfaceList(real))));
    }

    [Fact]
    public void A_type_of_another_base_is_reported()
    {
        var real = new SurfaceList(["T A | [TorchSharp] class : B, IDisposable", "T B | [TorchSharp] abstract class : C", "T C | [TorchSharp] class"]);
        Assert.Empty(SurfaceComparison.Misshapen(new SurfaceList(["T A | [TorchSharp] class : C, IDisposable", "T C | [TorchSharp] class"]), real));
        Assert.Single(SurfaceComparison.Misshapen(new SurfaceList(["T A | [TorchSharp] class : C", "T C | [TorchSharp] class"]), real));
        Assert.Single(SurfaceComparison.Misshapen(new SurfaceList(["T A | [TorchSharp] class : IDisposable", "T B | [TorchSharp] abstract class"]), real));
        Assert.Single(SurfaceComparison.Misshapen(new SurfaceList(["T B | [TorchSharp] class"]), real));
    }

    private static void None(List<string> findings) =>
        Assert.True(findings.Count == 0, $"{findings.Count} findings:\n{string.Join("\n\n", findings)}");
}
