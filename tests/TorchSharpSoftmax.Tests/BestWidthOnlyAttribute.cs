using Xunit.v3;

namespace TorchSharpSoftmax.Tests;

/// <summary>
/// For slow tests of what no instruction width changes: lifetimes and memory. The Test task runs them at the best width and in strict mode,
/// not again at every lesser width.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
public sealed class BestWidthOnlyAttribute : Attribute, ITraitAttribute
{
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("BestWidthOnly", "true")];
}
