using System.Text.RegularExpressions;

namespace TorchSharpSoftmax.Tests;

/// <summary>What the tensors' half leaves to <c>Interop</c>, read from its sources.</summary>
public sealed class LayerTests
{
    private static readonly (string Path, string Text)[] Sources =
    [
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "TorchSharpSoftmax"), "*.cs", SearchOption.AllDirectories)
            .Select(path => (Path.GetRelativePath(Repository.Root, path).Replace('\\', '/'), File.ReadAllText(path)))
            .Where(file => !file.Item1.Contains("/obj/", StringComparison.Ordinal) && !file.Item1.Contains("/bin/", StringComparison.Ordinal)),
    ];

    [Theory]
    [InlineData(@"\bautograd\.grad\(", "CutCrossEntropy/CutCrossEntropyComposed.cs", "it ends the process where the engine throws")]
    [InlineData(@"\bapply\(", "Interop/KernelFunction.cs", "the lifetimes of a custom function live in one place")]
    [InlineData(@"\bAutogradContext\b", "Interop/KernelFunction.cs", "the lifetimes of a custom function live in one place")]
    [InlineData(@"\.bytes\b", "Interop/", "pointers come from Memory")]
    [InlineData(@"\.(data_ptr|storage<|data<|DecoupleFromNativeHandle|Handle\b)", "none", "they copy, ignore offsets, or are not in every TorchSharp")]
    [InlineData(@"\bmark_(non_differentiable|dirty)\b", "none", "they share a pinned buffer in TorchSharp")]
    [InlineData(@"\.zero_\(", "none", "TorchSharp's returns new zeros and leaves the tensor as it is")]
    [InlineData(@"\bScalar\b", "Interop/Scalars.cs", "TorchSharp lets a temporary scalar be collected while libtorch reads it")]
    [InlineData(@"\.(add|add_|masked_fill|masked_fill_|elu|leaky_relu)\((?![^\n]*Scalars\.)|\.softplus\(", "none", "without one of Scalars, TorchSharp makes a temporary one")]
    [InlineData(@"(?<![\w.])tensor\((?!\[|_?[a-z]\w*[,)]|Array\.|plan\.|call\.Rows\.(Inputs|Places|Targets|Shares|Spread)\b)", "none", "of a number, TorchSharp 0.102 leaves a temporary in the caller's dispose scope")]
    [InlineData(@"(?<![\w.])(empty|empty_strided|zeros|ones|tensor)\((?![^\n]*\b(device|CPU)\b)", "none", "without a device a tensor is on set_default_device's, where no kernel can reach it")]
    [InlineData(@"\bConsole\b", "none", "the library warns through Diagnostics")]
    public void Only_the_place_that_knows_how_names_it(string what, string where, string why)
    {
        var outside = Sources.Where(file => !Regex.IsMatch(file.Path, where) && Regex.IsMatch(Code(file.Text), what)).Select(file => file.Path);
        Assert.True(!outside.Any(), $"{what} in {string.Join(", ", outside)}: {why}.");
        Assert.True(where == "none" || Sources.Any(file => Regex.IsMatch(Code(file.Text), what)), $"nothing names {what} any more");
    }

    private static string Code(string text) => Regex.Replace(text, "//[^\n]*", "");
}
