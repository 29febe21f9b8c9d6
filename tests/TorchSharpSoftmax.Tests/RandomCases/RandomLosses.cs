using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>Random cases of the cross-entropies, with and without a linear head before them.</summary>
internal static class RandomLosses
{
    internal static IEnumerable<RandomFamily> Families =>
    [
        new("stablemax_cross_entropy", (draw, what) => CrossEntropy(draw, what, CrossEntropyLink.StableMax)),
        new("collapse_free_cross_entropy", (draw, what) => CrossEntropy(draw, what, CrossEntropyLink.Softmax)),
        new("linear_cross_entropy", Linear),
    ];

    private static void CrossEntropy(RandomDraw draw, string what, CrossEntropyLink link)
    {
        var dtype = draw.Dtype();
        bool probabilities = draw.OneIn(3);
        var loss = new CrossEntropyLoss(
            link, probabilities, draw.OneIn(2), probabilities ? -100 : draw.Of(-100L, 2, 1000), draw.Of(0, 0, 0.1, 0.7, 1), draw.Of(Reduction.Mean, Reduction.Sum, Reduction.None));
        long classes = draw.OneIn(6) ? draw.Size(41, 300) : draw.Size(1, 40);
        long rows = draw.OneIn(40) ? 0 : draw.Size(1, 9);
        long[] shape = draw.Random.Next(4) switch
        {
            0 => [classes],
            1 => [rows, classes, draw.Size(1, 4)],
            2 => [rows, classes, draw.Size(1, 3), draw.Size(1, 3)],
            _ => [rows, classes],
        };
        var x = draw.Laid(draw.Normal(draw.Of(0.5, 3, 8), dtype, shape));
        CrossEntropyTests.Compare(loss, x, draw.Random, strideTargets: draw.OneIn(4), what);
    }

    private static void Linear(RandomDraw draw, string what)
    {
        var dtype = draw.Dtype();
        var reduction = draw.Of(Reduction.Mean, Reduction.Sum, Reduction.None);
        long shift = draw.OneIn(4) ? draw.Size(1, 2) : 0;
        long[] tokens = shift > 0 ? [draw.Size(1, 3), draw.Size(shift + 1, 7)] : draw.Of<long[]>([], [draw.Size(1, 17)], [2, draw.Size(1, 6)], [draw.OneIn(8) ? 0 : 3, 1, 2]);
        var sample = new LinearCrossEntropyCase
        {
            Link = draw.Of(CrossEntropyLink.Softmax, CrossEntropyLink.StableMax),
            Kind = draw.Of(TargetKind.Classes, TargetKind.Classes, TargetKind.Sparse, TargetKind.Dense),
            Bias = draw.OneIn(2),
            Weighted = draw.OneIn(3),
            TokenWeighted = draw.OneIn(3),
            Softcap = draw.OneIn(3) ? draw.Of(2.5, 30) : null,
            Scale = draw.Of(1, 1, 0.7, -0.5),
            Shift = shift,
            ZLoss = draw.Of(0, 0, 0.3, 1e-3),
            Smoothing = draw.Of(0, 0.1, 0.9),
            Reduction = reduction,
            IgnoredEvery = tokens.Aggregate(1L, (a, b) => a * b) > shift * tokens.FirstOrDefault() + 4 ? draw.Of(0, 0, 3, 5) : 0,
            Mode = reduction == Reduction.None
                ? draw.Of(LinearCrossEntropyMode.Auto, LinearCrossEntropyMode.Recompute)
                : draw.Of(LinearCrossEntropyMode.Auto, LinearCrossEntropyMode.GradientInForward, LinearCrossEntropyMode.Recompute),
        };
        var data = LinearCrossEntropyData.Of(sample, draw.Random, tokens, draw.Size(1, 33), draw.OneIn(6) ? draw.Size(60, 140) : draw.Size(1, 30), dtype);
        LinearCrossEntropyTests.Compare(
            sample,
            data with
            {
                Input = draw.Laid(data.Input),
                Weight = draw.Laid(data.Weight),
                Target = draw.Laid(data.Target, mayExpand: false),
                Bias = data.Bias is null ? null : draw.Laid(data.Bias),
                ClassWeight = data.ClassWeight is null ? null : draw.Laid(data.ClassWeight),
                TokenWeights = data.TokenWeights is null ? null : draw.Laid(data.TokenWeights),
                Probabilities = data.Probabilities is null ? null : draw.Laid(data.Probabilities),
            },
            draw.Random,
            what);
    }
}
