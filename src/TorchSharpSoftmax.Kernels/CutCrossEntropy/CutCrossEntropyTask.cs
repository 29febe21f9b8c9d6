namespace TorchSharpSoftmax.Kernels;

/// <summary>A linear head and its loss: logits = scale * (input weight^T + bias), softcapped, of the rows that count. All pointers are to contiguous memory.</summary>
/// <remarks>S is the stored type of tensors, T the computing type; V classes, D features, B counted rows of N.</remarks>
internal readonly unsafe struct CutCrossEntropyTask
{
    /// <summary>How a logit becomes a term.</summary>
    internal CrossEntropyLink Link { get; init; }

    /// <summary>D.</summary>
    internal nint Features { get; init; }

    /// <summary>V.</summary>
    internal nint Classes { get; init; }

    /// <summary>B: only these rows cost anything.</summary>
    internal nint Rows { get; init; }

    /// <summary>S [N, D].</summary>
    internal void* Input { get; init; }

    /// <summary>[B]: which row of the input, and of probabilities, each counted row is.</summary>
    internal long* RowIndex { get; init; }

    /// <summary>S [V, D].</summary>
    internal void* Weight { get; init; }

    /// <summary>T [V], or null.</summary>
    internal void* Bias { get; init; }

    /// <summary>T [V], or null where all are 1.</summary>
    internal void* ClassWeight { get; init; }

    /// <summary>K: how many classes are targets of one row; 1 for class numbers, 0 for dense probabilities.</summary>
    internal nint TargetsPerRow { get; init; }

    /// <summary>[B, K], each 0 to V - 1; of one row all different.</summary>
    internal long* Targets { get; init; }

    /// <summary>[B, K]: how much each target counts; null where all count 1.</summary>
    internal double* Shares { get; init; }

    /// <summary>S [N, V]: dense probabilities, or null.</summary>
    internal void* Probabilities { get; init; }

    /// <summary>cap * tanh(logit / cap); 0 for none.</summary>
    internal double Softcap { get; init; }

    /// <summary>What logits are multiplied by, before the cap.</summary>
    internal double Scale { get; init; }

    /// <summary>What of each target is spread over all classes.</summary>
    internal double Smoothing { get; init; }

    internal bool WantsEntropy { get; init; }

    internal bool WantsArgmax { get; init; }
}

/// <summary>What forward finds of a counted row.</summary>
/// <param name="Loss">sum over targets of share * class weight * (1 - smoothing) * (lse - log term), and smoothing / V * sum over classes of class weight * (lse - log term).</param>
/// <param name="LogSumExp">The logarithm of the sum of the terms.</param>
/// <param name="Rest">1 - p of a single target, exact however small; for other targets, how much they count in all.</param>
/// <param name="Entropy">-sum(p log p), if asked for.</param>
/// <param name="Argmax">The first largest logit's class, if asked for; NaN counts as larger than all, as in libtorch.</param>
internal readonly record struct CutCrossEntropyRow(double Loss, double LogSumExp, double Rest, double Entropy, long Argmax);

/// <summary>The gradients of a counted row's results.</summary>
internal readonly record struct CutCrossEntropyUpstream(double OfLoss, double OfLogSumExp, double OfEntropy);

/// <summary>Where gradients go; null where nobody asks.</summary>
/// <param name="Input">S [N, D]: only the counted rows are written.</param>
/// <param name="Weight">T [V, D], written whole.</param>
/// <param name="Bias">T [V], written whole.</param>
internal readonly unsafe record struct CutCrossEntropyGradients(nint Input, nint Weight, nint Bias);

/// <summary>Which entries of the logits' gradient are left out: those smaller than Threshold before any upstream gradient.</summary>
/// <param name="Threshold">0 leaves out nothing.</param>
/// <param name="Unbiased">An entry below the threshold is kept with the probability |entry| / threshold, as large as the threshold: right on average.</param>
/// <param name="Seed">Of the choice; one seed always chooses alike.</param>
internal readonly record struct CutCrossEntropyFilter(double Threshold, bool Unbiased, ulong Seed);
