using TorchSharpSoftmax.Kernels;

namespace TorchSharpSoftmax;

/// <summary>Which entries of the logits' gradient are left out: a trade of exactness for time, off unless asked for.</summary>
/// <remarks>An entry is |p - target| before any upstream gradient, so that what is kept does not depend on the loss's scale. The loss itself is always exact.</remarks>
public readonly record struct LinearCrossEntropyFilter
{
    private LinearCrossEntropyFilter(double eps, bool unbiased, long seed) => (this.eps, this.unbiased, this.seed) = (eps, unbiased, seed);

    /// <summary>Every entry counts.</summary>
    public static LinearCrossEntropyFilter None => default;

    /// <summary>From where on entries are small; 0 leaves out nothing.</summary>
    public double eps { get; }

    /// <summary>Whether small entries are kept at random, so that the gradient is right on average.</summary>
    public bool unbiased { get; }

    /// <summary>Of that choice by chance.</summary>
    public long seed { get; }

    /// <summary>Leaves out entries smaller than eps. The classes that are rarely predicted then get no gradient but as targets: good for fine-tuning, not for training from scratch.</summary>
    /// <param name="eps">More than 0, less than 1; 2^-12 is the paper's for bfloat16.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="eps"/> is outside its range.</exception>
    public static LinearCrossEntropyFilter Threshold(double eps) => new(Checked(eps), false, 0);

    /// <summary>Keeps an entry smaller than eps with the probability |entry| / eps, as large as eps: right on average, with noise.</summary>
    /// <param name="eps">More than 0, less than 1.</param>
    /// <param name="seed">One seed always chooses alike, for any number of threads: take another one each step.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="eps"/> is outside its range.</exception>
    public static LinearCrossEntropyFilter Stochastic(double eps, long seed) => new(Checked(eps), true, seed);

    internal CutCrossEntropyFilter ForKernels() => new(eps, unbiased, unchecked((ulong)seed));

    private static double Checked(double eps) => eps is > 0 and < 1
        ? eps : throw Check.OutOfRange(nameof(eps), eps, "more than 0 and less than 1");
}
