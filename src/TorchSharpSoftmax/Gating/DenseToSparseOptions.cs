namespace TorchSharpSoftmax;

/// <summary>Which experts a dense-to-sparse gate keeps in evaluation.</summary>
public enum DenseToSparseEvaluation
{
    /// <summary>The likeliest one, with its probability.</summary>
    Top1,

    /// <summary>Those above the threshold, as in training.</summary>
    Threshold,

    /// <summary>All.</summary>
    Dense,
}

/// <summary>How a dense-to-sparse gate chooses. The defaults are EvoMoE's, without its Gumbel noise.</summary>
public sealed record DenseToSparseOptions
{
    /// <summary>Whether training adds Gumbel noise to the logits, before they are divided by the temperature.</summary>
    public bool gumbel { get; init; }

    /// <summary>Training keeps the experts whose probability is above it, and the likeliest one always. 0 keeps all.</summary>
    public double threshold { get; init; } = 1e-3;

    /// <summary>What evaluation keeps.</summary>
    public DenseToSparseEvaluation evaluation { get; init; } = DenseToSparseEvaluation.Top1;

    /// <summary>The step from which on training keeps only the likeliest expert, with its probability; null for never.</summary>
    public long? top1_after { get; init; }

    internal void Validate()
    {
        DenseToSparseRouting.CheckThreshold(threshold);
        if (evaluation is not (>= DenseToSparseEvaluation.Top1 and <= DenseToSparseEvaluation.Dense))
        {
            throw Check.OutOfRange(nameof(evaluation), (int)evaluation, "Top1, Threshold or Dense");
        }

        if (top1_after < 0)
        {
            throw Check.OutOfRange(nameof(top1_after), top1_after.Value, "0 or more, or null,");
        }
    }

    /// <summary>What is kept in a mode at a step.</summary>
    internal DenseToSparseChoice Choice(bool training, long step) => training
        ? new(gumbel, threshold, top1_after <= step)
        : new(false, evaluation == DenseToSparseEvaluation.Threshold ? threshold : 0, evaluation == DenseToSparseEvaluation.Top1);
}

/// <summary>What is kept of one call's probabilities, and whether they are noisy.</summary>
internal readonly record struct DenseToSparseChoice(bool Gumbel, double Threshold, bool Top1);
