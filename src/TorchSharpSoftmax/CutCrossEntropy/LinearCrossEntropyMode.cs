namespace TorchSharpSoftmax;

/// <summary>When a linear cross-entropy computes its gradients.</summary>
public enum LinearCrossEntropyMode
{
    /// <summary>In forward where a gradient is wanted and the reduction is Mean or Sum; by recomputing for None, and for outputs that are differentiated.</summary>
    Auto,

    /// <summary>
    /// In forward, beside the loss: the logits are computed once. The gradients of input, weight and bias wait for backward in their full size. Further outputs are no
    /// part of the graph. Mean and Sum only.
    /// </summary>
    GradientInForward,

    /// <summary>In backward, which computes the logits once more: a third more arithmetic, and nothing waits but a few numbers per token.</summary>
    Recompute,
}

/// <summary>What a mean over no token is: where every target is ignored, or there is none.</summary>
public enum LinearCrossEntropyAllIgnored
{
    /// <summary>NaN, with gradient 0, as in <c>cross_entropy</c>.</summary>
    NaN,

    /// <summary>0, with gradient 0.</summary>
    Zero,

    /// <summary>An <see cref="ArgumentException"/>, before any work.</summary>
    Throw,
}
