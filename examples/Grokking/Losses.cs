using TorchSharpSoftmax;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Grokking;

/// <summary>The losses, one number per sample, so that those that are exactly zero can be counted.</summary>
internal static class Losses
{
    public static Tensor PerSample(LossName loss, Tensor logits, Tensor target, ScalarType dtype)
    {
        using Tensor x = logits.to_type(dtype);
        return loss switch
        {
            LossName.Stablemax => functional.stablemax_cross_entropy(x, target, reduction: Reduction.None),
            LossName.CollapseFree => functional.collapse_free_cross_entropy(x, target, reduction: Reduction.None),
            _ when dtype == ScalarType.Float16 => HalfCrossEntropy(x, target),

            // libtorch's own: it is the one that collapses.
            _ => functional.cross_entropy(x, target, reduction: Reduction.None),
        };
    }

    /// <summary>The mean; half numbers are summed as floats.</summary>
    public static Tensor Mean(Tensor losses)
    {
        using Tensor wide = losses.dtype == ScalarType.Float16 ? losses.to_type(ScalarType.Float32) : losses.alias();
        return wide.mean();
    }

    /// <summary>libtorch has no softmax of half numbers on the CPU; ours reads and writes them and calculates with floats.</summary>
    private static Tensor HalfCrossEntropy(Tensor logits, Tensor target)
    {
        using Tensor logProbabilities = functional.two_pass_log_softmax(logits, dim: -1);
        using Tensor index = target.unsqueeze(1);
        using Tensor ofTarget = logProbabilities.gather(1, index);
        using Tensor flat = ofTarget.squeeze(1);
        return flat.neg();
    }
}
