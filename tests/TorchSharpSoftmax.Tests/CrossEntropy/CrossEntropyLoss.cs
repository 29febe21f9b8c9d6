using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>One way of calling a cross-entropy: ours, and libtorch's on the logits that have the link's probabilities under softmax.</summary>
public sealed record CrossEntropyLoss(
    CrossEntropyLink Link, bool Probabilities, bool Weighted = false, long Ignored = -100, double Smoothing = 0, Reduction Reduction = Reduction.Mean)
{
    public static CrossEntropyLink[] Links { get; } = [CrossEntropyLink.StableMax, CrossEntropyLink.Softmax];

    /// <summary>Every combination of the options of a link.</summary>
    public static IEnumerable<CrossEntropyLoss> All(CrossEntropyLink link) =>
        from probabilities in (bool[])[false, true]
        from weighted in (bool[])[false, true]
        from ignored in probabilities ? (long[])[-100] : [-100, 2, 1000]
        from smoothing in (double[])[0, 0.1, 1]
        from reduction in (Reduction[])[Reduction.Mean, Reduction.Sum, Reduction.None]
        select new CrossEntropyLoss(link, probabilities, weighted, ignored, smoothing, reduction);

    /// <summary>Every option with every other, though not with every two others.</summary>
    public static IEnumerable<CrossEntropyLoss> Pairs(CrossEntropyLink link) => All(link).Where(
        (loss, i) => loss.Probabilities || ((i % 3) + (i / 3 % 3) + (i / 9 % 3)) % 3 == 0);

    internal Tensor Of(Tensor input, Tensor target, Tensor? weight = null) => Link == CrossEntropyLink.StableMax
        ? F.stablemax_cross_entropy(input, target, weight, Ignored, Reduction, Smoothing)
        : F.collapse_free_cross_entropy(input, target, weight, Ignored, Reduction, Smoothing);

    internal Tensor OfLibtorch(Tensor input, Tensor target, Tensor? weight = null) =>
        F.cross_entropy(Link == CrossEntropyLink.StableMax ? StableMaxComposed.Logarithm(input) : input, target, weight, Ignored, Reduction, Smoothing);

    /// <summary>Targets for logits: class numbers with some ignored ones, or probabilities of which some are 0 and no row is one-hot.</summary>
    internal Tensor Targets(Random random, Tensor logits)
    {
        long[] shape = logits.shape;
        int dim = CrossEntropyArguments.ClassDim(logits);
        if (Probabilities)
        {
            using var size = OperatorContract.Logits(random, shape, ScalarType.Float64, 2).relu();
            return (size / (size.sum(dim, keepdim: true) + 1e-3)).to_type(logits.dtype);
        }

        long classes = shape[dim];
        long[] rows = shape.Length == 1 ? [] : [shape[0], .. shape[2..]];
        var numbers = new long[rows.Aggregate(1L, (product, size) => product * size)];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = i % 4 == 3 ? Ignored : random.NextInt64(classes);
        }

        return tensor(numbers, rows);
    }

    internal Tensor? Weights(Random random, Tensor logits)
    {
        if (!Weighted)
        {
            return null;
        }

        using var any = OperatorContract.Logits(random, [logits.size(CrossEntropyArguments.ClassDim(logits))], ScalarType.Float64, 1);
        return (any.abs() + 0.1).to_type(logits.dtype);
    }

    /// <summary>
    /// How large the parts are of which each element of the gradient is made. Of a class number's row it is the element itself, but in float64: there libtorch's own
    /// answer is what ours is compared with, and it has e^log(p) and 1 - p. Where targets are spread, sum(q) * p and q are subtracted.
    /// </summary>
    internal Tensor GradientScale(Tensor x, Tensor exact, Tensor? weight, Tensor dy, ScalarType dtype)
    {
        bool spread = Probabilities || Smoothing > 0;
        if (!spread && dtype != ScalarType.Float64)
        {
            return exact.abs();
        }

        int dim = CrossEntropyArguments.ClassDim(x);
        using var logits = CrossEntropyComposed.Logits(x, Link);
        var log = logits.log_softmax(dim);
        var parts = log.exp() * (1 - log) + (spread ? 1 : 0);
        double most = (weight is null ? 1 : weight.to_type(ScalarType.Float64).max().item<double>()) / (Reduction == Reduction.Mean ? weight is null ? 1 : 0.1 : 1);
        var row = (Reduction == Reduction.None ? dy.unsqueeze(dim) : dy).abs() * most;
        return exact.abs() + (parts * row / (Link == CrossEntropyLink.StableMax ? 1 + x.abs() : 1)).nan_to_num(0, 0, 0);
    }
}
