using TorchSharp;
using TorchSharpSoftmax;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LanguageModel;

internal enum LossName { LinearCrossEntropy, CrossEntropy }

/// <summary>A head and its loss in one: hidden rows [n, width], the head's weight [classes, width], a target class for each row; their mean loss.</summary>
internal interface IHeadLoss
{
    Tensor Mean(Tensor hidden, Tensor weight, Tensor? bias, Tensor target);
}

internal static class Losses
{
    /// <summary>The filtered mode leaves out where the logits' gradient, p - target, is less.</summary>
    public const double Threshold = 1.0 / 4096;

    public static IHeadLoss Create(LossName loss) => loss == LossName.LinearCrossEntropy ? new LinearCrossEntropy() : new LinearThenCrossEntropy();

    /// <summary>As a user writes it.</summary>
    public static string Title(LossName loss) => loss == LossName.LinearCrossEntropy ? "linear_cross_entropy" : "linear + cross_entropy";
}

/// <summary>libtorch's: all logits at once, and a tensor of their size for each of the steps behind them.</summary>
internal sealed class LinearThenCrossEntropy : IHeadLoss
{
    public Tensor Mean(Tensor hidden, Tensor weight, Tensor? bias, Tensor target)
    {
        using Tensor logits = functional.linear(hidden, weight, bias); // freed before backward, which does not need them
        return functional.cross_entropy(logits, target);
    }
}

/// <summary>Ours: the logits of a block at a time, never all.</summary>
internal sealed class LinearCrossEntropy : IHeadLoss
{
    public Tensor Mean(Tensor hidden, Tensor weight, Tensor? bias, Tensor target) => functional.linear_cross_entropy(hidden, weight, target, bias);
}

/// <summary>Ours with a filter: what is small is left out of the logits' gradient, or left to chance.</summary>
internal sealed class FilteredLinearCrossEntropy(LinearCrossEntropyFilter filter) : IHeadLoss
{
    public Tensor Mean(Tensor hidden, Tensor weight, Tensor? bias, Tensor target) =>
        functional.linear_cross_entropy(hidden, weight, target, bias, options: new() { filter = filter });
}
