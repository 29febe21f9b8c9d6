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
        from ignored in probabilities ? (long[])[-100] : [-100, 2, 1000, -1]
        from smoothing in (double[])[0, 0.1, 1]
        from reduction in (Reduction[])[Reduction.Mean, Reduction.Sum, Reduction.None]
        select new CrossEntropyLoss(link, probabilities, weighted, ignored, smoothing, reduction);

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

    /// <summary>How large the parts are of which each element of the gradient is the difference: where targets are spread, both are not 0.</summary>
    internal Tensor GradientScale(Tensor x64, Tensor exact, Tensor target, Tensor? weight, Tensor dy)
    {
        if (!Probabilities && Smoothing == 0)
        {
            return exact.abs(); // nothing cancels
        }

        int dim = CrossEntropyArguments.ClassDim(x64);
        var leaf = x64.detach().requires_grad_();
        var logits = Link == CrossEntropyLink.StableMax ? StableMaxComposed.Logarithm(leaf) : leaf * 1;
        var p = logits.softmax(dim).detach();
        var row = Reduction == Reduction.None ? dy.abs().unsqueeze(dim) : dy.abs();
        double most = (weight is null ? 1 : weight.max().to_type(ScalarType.Float64).item<double>()) / (Reduction == Reduction.Mean ? 0.1 : 1);
        return exact.abs() + (p + 1) * row * most / (Link == CrossEntropyLink.StableMax ? 1 + x64.abs() : 1);
    }
}
