using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What <c>torch.nn.functional.linear_cross_entropy</c> can do beyond PyTorch's arguments. The defaults are PyTorch's behaviour.</summary>
public sealed record LinearCrossEntropyOptions
{
    /// <summary>Bounds logits: <c>softcap * tanh(logit / softcap)</c>, after bias and scale. Null for none.</summary>
    public double? softcap { get; init; }

    /// <summary>Multiplies the logits, bias included: the inverse of a temperature.</summary>
    public double logit_scale { get; init; } = 1;

    /// <summary>Pairs each token of the input's next to last dim with the target so many tokens later: 1 predicts the next one, without a copy of the input.</summary>
    public long shift { get; init; }

    /// <summary>Adds z_loss * lse^2, averaged over the tokens that count (Mean), summed (Sum) or per token (None); neither class nor token weights touch it.</summary>
    public double z_loss { get; init; }

    /// <summary>How much each token counts, of the shape of its targets and a floating dtype; in Mean they divide too. Null where all count 1.</summary>
    public Tensor? token_weights { get; init; }

    /// <summary>
    /// Probabilities of the classes that <c>target</c> names, which then has one dim more: [..., K] class numbers, such as a teacher's K best. They need not sum to 1. Entries
    /// of ignore_index fill up shorter rows; a row of nothing else is ignored. Mean divides by the rows that count, as for dense probabilities.
    /// </summary>
    public Tensor? target_probabilities { get; init; }

    /// <summary>How logits become probabilities.</summary>
    public CrossEntropyLink link { get; init; } = CrossEntropyLink.Softmax;

    /// <summary>When gradients are computed.</summary>
    public LinearCrossEntropyMode mode { get; init; }

    /// <summary>Which entries of the logits' gradient are left out: none, unless asked for.</summary>
    public LinearCrossEntropyFilter filter { get; init; }

    /// <summary>Bytes of memory to work in, beyond the outputs; null for what is best for speed.</summary>
    public long? workspace { get; init; }

    /// <summary>What a mean over no token is.</summary>
    public LinearCrossEntropyAllIgnored all_ignored { get; init; }
}
