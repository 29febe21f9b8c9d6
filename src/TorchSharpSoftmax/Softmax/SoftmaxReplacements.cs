using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What <c>UseTwoPassSoftmax</c> did to a model, one entry for each place where a softmax or log-softmax module is registered.</summary>
public sealed class SoftmaxReplacements
{
    internal SoftmaxReplacements(IReadOnlyList<SoftmaxReplacement> replaced, IReadOnlyList<SoftmaxReplacement> not_replaced) =>
        (this.replaced, this.not_replaced) = (replaced, not_replaced);

    /// <summary>Where this library's modules stand now.</summary>
    public IReadOnlyList<SoftmaxReplacement> replaced { get; }

    /// <summary>Where TorchSharp's modules still stand, each with the reason.</summary>
    public IReadOnlyList<SoftmaxReplacement> not_replaced { get; }

    /// <summary>A line for each entry.</summary>
    public override string ToString() => string.Join(Environment.NewLine, replaced.Concat(not_replaced));
}

/// <summary>One place in a model where a softmax or log-softmax module is registered.</summary>
public sealed class SoftmaxReplacement
{
    internal SoftmaxReplacement(string name, nn.Module module, string? reason) => (this.name, this.module, this.reason) = (name, module, reason);

    /// <summary>The name of the place, as <c>named_modules</c> spells it; empty for the model itself.</summary>
    public string name { get; }

    /// <summary>The module that stands there now.</summary>
    public nn.Module module { get; }

    /// <summary>Why TorchSharp's module stayed; null where it was replaced.</summary>
    public string? reason { get; }

    /// <summary>The place, and what became of it.</summary>
    public override string ToString() => $"{(name.Length == 0 ? "the model" : name)}: {reason ?? module.GetName()}";
}
