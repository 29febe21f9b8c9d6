namespace TorchSharpSoftmax.Kernels;

/// <summary>The extents of a gate's call.</summary>
/// <param name="Tokens">How many rows of logits there are.</param>
/// <param name="Experts">How many logits a row has, up to 2^24.</param>
/// <param name="Kept">How many experts each token keeps, 1 to all of them.</param>
public readonly record struct GateShape(nint Tokens, nint Experts, nint Kept);

/// <summary>How a gate chooses, and what weights it gives.</summary>
/// <param name="Mode">What weights are made of.</param>
/// <param name="Groups">Sigmoid only: the experts lie in so many groups of one size, one after the other.</param>
/// <param name="KeptGroups">Sigmoid only: a token keeps experts of so many groups, those whose two best sum highest.</param>
/// <param name="Scale">Sigmoid only: what weights sum to.</param>
public readonly record struct GateRule(TopKGateMode Mode, nint Groups = 1, nint KeptGroups = 1, double Scale = 1)
{
    /// <summary>Beside a sum of scores, so that scores of 0 give weights of 0.</summary>
    internal const double Least = 1e-20;
}

/// <summary>A forward call. Everything but logits, indices and counts is of the computing type.</summary>
internal readonly unsafe struct GateTask
{
    internal required GateShape Shape { get; init; }

    internal required GateRule Rule { get; init; }

    internal required void* Logits { get; init; }

    /// <summary>[experts], added to sigmoid scores for the choice; or null.</summary>
    internal void* Bias { get; init; }

    /// <summary>[tokens, kept], the largest first.</summary>
    internal required void* Weights { get; init; }

    internal required long* Indices { get; init; }

    /// <summary>[experts]: of how many tokens each expert is kept.</summary>
    internal required long* Counts { get; init; }

    /// <summary>[tokens], or null.</summary>
    internal void* Lse { get; init; }

    /// <summary>[experts], or null.</summary>
    internal void* Mean { get; init; }

    /// <summary><see cref="GateState{T}"/>, or null.</summary>
    internal void* State { get; init; }
}

/// <summary>What backward needs of each token beside its logits: three arrays of tokens.</summary>
internal readonly unsafe struct GateState<T>(void* at, nint tokens) where T : unmanaged
{
    internal const int Fields = 3;

    /// <summary>The largest logit.</summary>
    internal readonly T* Top = (T*)at;

    /// <summary>Its probability: that of another logit x is e^(x - Top) times this.</summary>
    internal readonly T* Share = (T*)at + tokens;

    /// <summary>One over the sum of sigmoid scores.</summary>
    internal readonly T* Rate = (T*)at + 2 * tokens;
}

/// <summary>A backward call. Everything but logits, their gradient and indices is of the computing type.</summary>
internal readonly unsafe struct GateBackwardTask
{
    internal required GateShape Shape { get; init; }

    internal required GateRule Rule { get; init; }

    internal required void* Logits { get; init; }

    internal required void* Weights { get; init; }

    internal required long* Indices { get; init; }

    /// <summary>As forward wrote it; needed where <see cref="IsDense"/>.</summary>
    internal void* State { get; init; }

    internal required void* WeightsGradient { get; init; }

    /// <summary>Of lse, or null for zeros.</summary>
    internal void* LseGradient { get; init; }

    /// <summary>Of the mean probability, or null for zeros.</summary>
    internal void* MeanGradient { get; init; }

    internal required void* LogitsGradient { get; init; }

    /// <summary>Whether every logit has a gradient, not the kept ones alone.</summary>
    internal bool IsDense => Rule.Mode == TopKGateMode.Softmax || LseGradient != null || MeanGradient != null;
}
