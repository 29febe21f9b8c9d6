using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What one application finds, and what its backward passes must remember of each other.</summary>
internal sealed class CutCrossEntropyState
{
    private long _kept, _all;
    private int _given;

    /// <summary>What forward found of each counted row.</summary>
    internal CutCrossEntropyRow[] Rows { get; set; } = [];

    /// <summary>The logits that a filtered backward needs; null where it needs all.</summary>
    internal CutSaved? Saved { get; set; }

    internal double KeptShare => _all == 0 ? double.NaN : (double)_kept / _all;

    /// <summary>Whether the gradients that forward left are still to be had: true for one backward, whichever comes first.</summary>
    internal bool GiveAway() => Interlocked.Exchange(ref _given, 1) == 0;

    internal void Keep((long Kept, long All) entries) => (_kept, _all) = entries;
}

/// <summary>A linear cross-entropy beside its tensors, which are always in one order: input, weight, and where they are given bias, class weight, dense probabilities.</summary>
internal sealed record CutCrossEntropyCall
{
    internal const int Input = 0, Weight = 1;

    internal required CutCrossEntropyRows Rows { get; init; }

    internal required CrossEntropyLink Link { get; init; }

    /// <summary>0 for none.</summary>
    internal required double Softcap { get; init; }

    internal required double Scale { get; init; }

    internal required double Smoothing { get; init; }

    internal required double ZLoss { get; init; }

    internal required nn.Reduction Reduction { get; init; }

    internal required CutCrossEntropyFilter Filter { get; init; }

    /// <summary>Null for the kernels' own.</summary>
    internal required long? Workspace { get; init; }

    internal required bool WantsEntropy { get; init; }

    internal required bool WantsArgmax { get; init; }

    internal required bool HasBias { get; init; }

    internal required bool HasClassWeight { get; init; }

    /// <summary>Whether a mean over nothing is 0.</summary>
    internal required bool ZeroIfNothing { get; init; }

    internal CutCrossEntropyState State { get; } = new();

    internal int Bias => HasBias ? 2 : -1;

    internal int ClassWeight => HasClassWeight ? HasBias ? 3 : 2 : -1;

    internal int Probabilities => Rows.Kind == CutCrossEntropyTargetKind.Probabilities ? Tensors - 1 : -1;

    /// <summary>How many tensors there are.</summary>
    internal int Tensors => 2 + (HasBias ? 1 : 0) + (HasClassWeight ? 1 : 0) + (Rows.Kind == CutCrossEntropyTargetKind.Probabilities ? 1 : 0);

    /// <summary>What the losses' sum is divided by.</summary>
    internal double Divisor => Reduction != nn.Reduction.Mean || (ZeroIfNothing && Rows.Count == 0) ? 1 : Rows.Mass;

    /// <summary>What lse^2 is multiplied with.</summary>
    internal double Squares => Reduction == nn.Reduction.Mean ? ZLoss / Math.Max(1, Rows.Count) : ZLoss;
}
