using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>Options of a linear cross-entropy and of a dense-to-sparse gate, wrong and right ones.</summary>
internal static class MisuseOptions
{
    internal static IEnumerable<object> OfLoss()
    {
        var right = new LinearCrossEntropyOptions();
        foreach (double odd in (double[])[double.NaN, double.PositiveInfinity, -1, 0, 1e-300, 1e300])
        {
            yield return right with { softcap = odd };
            yield return right with { logit_scale = odd };
            yield return right with { z_loss = odd };
        }

        foreach (long odd in (long[])[long.MinValue, -1, 0, 1, 2, 3, long.MaxValue])
        {
            yield return right with { shift = odd };
            yield return right with { workspace = odd };
        }

        foreach (var tensor in (Tensor[])[
            ones(3).DetachFromDisposeScope(), ones([3], ScalarType.Int64).DetachFromDisposeScope(), ones(2, 3).DetachFromDisposeScope(), ones([3], ScalarType.Float64).DetachFromDisposeScope(),
            empty([3], ScalarType.Float32, new Device("meta")).DetachFromDisposeScope()])
        {
            yield return right with { token_weights = tensor };
            yield return right with { target_probabilities = tensor };
        }

        yield return right with { link = (CrossEntropyLink)9 };
        yield return right with { mode = (LinearCrossEntropyMode)9 };
        yield return right with { mode = LinearCrossEntropyMode.GradientInForward };
        yield return right with { mode = LinearCrossEntropyMode.Recompute };
        yield return right with { all_ignored = (LinearCrossEntropyAllIgnored)9 };
        yield return right with { all_ignored = LinearCrossEntropyAllIgnored.Throw };
        yield return right with { filter = LinearCrossEntropyFilter.Threshold(0.1) };
        yield return right with { filter = LinearCrossEntropyFilter.Stochastic(0.1, 3) };
    }

    internal static IEnumerable<object> OfGate() =>
    [
        new DenseToSparseOptions { threshold = double.NaN }, new DenseToSparseOptions { threshold = 1 }, new DenseToSparseOptions { top1_after = -1 },
        new DenseToSparseOptions { evaluation = (DenseToSparseEvaluation)9 }, new DenseToSparseOptions { gumbel = true },
    ];
}
