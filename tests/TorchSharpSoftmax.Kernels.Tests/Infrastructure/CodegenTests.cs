using System.Globalization;
using System.Reflection;
using System.Runtime.Intrinsics.X86;
using System.Text.RegularExpressions;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>
/// The machine code of the passes, read from the JIT's own listing: abstraction is free only while everything is inlined, so a call in a pass fails.
/// </summary>
/// <remarks>
/// By convention a pass is a method of the kernels marked NoInlining. What is rare and may call has a name that ends in Cold.
/// A child process compiles them all, since the listing is a setting that is read when a process starts.
/// </remarks>
public sealed partial class CodegenTests
{
    /// <summary>One of each line; which one a pass takes for floats is its operator's choice.</summary>
    private static readonly string[][] s_types = [["AsItself`1[float]", "AsSingle"], ["AsItself`1[double]"], ["AsBFloat16"], ["AsHalf"]];

    [Fact]
    public void No_pass_contains_a_call()
    {
        if (!Fma.IsSupported)
        {
            TestContext.Current.TestOutputHelper!.WriteLine("No fused multiply-add here: each one is a call into the runtime, which no code of ours can inline.");
            return;
        }

        // One lane is what processors without vectors and short remainders have: what it costs is no promise.
        Assert.All(Widths.Runnable is [0] ? [0] : Widths.Runnable.Where(bits => bits > 0), AssertNoCalls);
    }

    /// <summary>Compiled once, at the first call and fully: so the listing shows what every process runs, whatever its tiers and profiles.</summary>
    [Fact]
    public void Every_pass_is_compiled_once() =>
        Assert.All(Passes(), pass => Assert.True(pass.MethodImplementationFlags.HasFlag(MethodImplAttributes.AggressiveOptimization), $"{pass.DeclaringType}.{pass.Name}"));

    [Fact]
    public void A_pass_with_a_call_is_seen()
    {
        Listing[] listings = Compile(["call"], [typeof(KernelTour).GetMethod(nameof(KernelTour.WithACall), BindingFlags.Static | BindingFlags.NonPublic)!]);
        Listing bad = Assert.Single(listings, listing => listing.Method.Contains(nameof(KernelTour.WithACall), StringComparison.Ordinal));
        Assert.Contains(bad.Calls, call => call.Contains("NotInlined", StringComparison.Ordinal));
    }

    [Fact]
    public void Listings_are_told_apart_by_method_and_tier()
    {
        const string Text = """
            ; Assembly listing for method A.B:C[float](ptr) (Tier0)
                   call     [A.B:D()]
            ; Assembly listing for method A.B:C[float](ptr) (Tier1)
                   vmovups  zmm0, [rdi]
                   tail.jmp [A.B:E()]
                   call     CORINFO_HELP_RNGCHKFAIL
            ; Assembly listing for method A.B:F(ptr) (FullOpts)
                   ret
            """;
        Listing[] listings = Parse(Text);
        Assert.Equal(["Tier0", "Tier1", "FullOpts"], listings.Select(l => l.Tier));
        Assert.Equal([1, 2, 0], listings.Select(l => l.Calls.Length));
        Assert.Equal("A.B:C[float](ptr)", listings[1].Method);
    }

    private static MethodInfo[] Passes() =>
    [
        .. from type in typeof(SoftmaxKernels).Assembly.GetTypes()
           from method in type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
           where method.MethodImplementationFlags.HasFlag(MethodImplAttributes.NoInlining) && !method.Name.EndsWith("Cold", StringComparison.Ordinal)
           select method,
    ];

    /// <summary>Passes over memory of the kernels' own know the computing types alone.</summary>
    private static bool ReadsStoredTypes(MethodInfo pass) => pass.DeclaringType!.GetGenericArguments().Any(argument => argument.Name == "M");

    private static void AssertNoCalls(int bits)
    {
        MethodInfo[] passes = Passes();
        Assert.NotEmpty(passes);
        Listing[] listings = [.. Compile(["kernels", bits.ToString(CultureInfo.InvariantCulture)], passes)];
        string lanes = bits == 0 ? "Lane1`1" : $"Lanes{bits}`1";
        foreach (MethodInfo pass in passes)
        {
            string name = $"{pass.DeclaringType!.Name}[";
            Listing[] mine = [.. listings.Where(l => l.Method.Contains($":{pass.Name}", StringComparison.Ordinal) && l.Method.Contains($".{name}", StringComparison.Ordinal))];
            foreach (string[] types in ReadsStoredTypes(pass) ? s_types : [[$"{lanes}[float]"], [$"{lanes}[double]"]])
            {
                Assert.True(
                    mine.Any(l => l.Method.Contains(lanes, StringComparison.Ordinal) && types.Any(type => l.Method.Contains(type, StringComparison.Ordinal))),
                    $"{pass.DeclaringType.Name}.{pass.Name} was not compiled for {string.Join(" or ", types)} at width {bits}, {mine.Length} others were: the {nameof(IKernelTour)} of its operator calls no entry that takes it, or there is none.");
            }
        }

        string[] bad = [.. from listing in listings from call in listing.Calls select $"{listing.Method} ({listing.Tier}): {call}"];
        TestContext.Current.TestOutputHelper!.WriteLine($"{listings.Length} listings of {passes.Length} passes");
        Assert.True(bad.Length == 0, $"{bad.Length} calls in passes at width {bits}:{Environment.NewLine}{string.Join(Environment.NewLine, bad.Take(30))}");
    }

    private static Listing[] Compile(string[] child, MethodInfo[] methods)
    {
        string file = Path.Combine(Path.GetTempPath(), $"softmax-{Guid.NewGuid():N}.asm");
        try
        {
            // The filter knows methods by name alone (a generic class does not match it); the listing tells whose they are.
            string names = string.Join(' ', methods.Select(m => m.Name).Distinct());
            (int exitCode, string output) = ChildProcess.Run(
                child,
                ("DOTNET_JitDisasm", names),
                ("DOTNET_JitStdOutFile", file),
                ("DOTNET_TieredCompilation", "0")); // a compiler in the background would write into the same listing
            Assert.True(exitCode == ChildProcess.Done, output);
            string[] classes = [.. methods.Select(m => $"{m.DeclaringType!.FullName}").Distinct()];
            return [.. Parse(File.ReadAllText(file)).Where(l => classes.Any(c => l.Method.StartsWith(c, StringComparison.Ordinal)))];
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Listing[] Parse(string text)
    {
        var listings = new List<Listing>();
        foreach (string part in Header().Split(text).Skip(1).Chunk(3).Select(c => string.Join('\0', c)))
        {
            string[] fields = part.Split('\0');
            listings.Add(new Listing(fields[0], fields[1], [.. Calls().Matches(fields[2]).Select(m => m.Value.Trim())]));
        }

        return [.. listings];
    }

    [GeneratedRegex(@"^; Assembly listing for method (.+) \(([^()]+)\)\s*$", RegexOptions.Multiline)]
    private static partial Regex Header();

    [GeneratedRegex(@"^\s+(call|tail\.jmp)\s.*$", RegexOptions.Multiline)]
    private static partial Regex Calls();

    private sealed record Listing(string Method, string Tier, string[] Calls);
}
