namespace TorchSharpSoftmax.Kernels;

/// <summary>How logits become positive terms, whose shares of a row's sum are the probabilities.</summary>
public enum CrossEntropyLink
{
    /// <summary>s(x) = x + 1 for x &gt;= 0, 1 / (1 - x) for x &lt; 0.</summary>
    StableMax,

    /// <summary>e^x.</summary>
    Softmax,
}
