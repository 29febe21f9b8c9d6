using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What <c>linear_cross_entropy_outputs</c> gives beside the loss.</summary>
[Flags]
public enum LinearCrossEntropyResults
{
    /// <summary>The loss only.</summary>
    None = 0,

    /// <summary>The logarithm of each token's sum of exponentials.</summary>
    LogSumExp = 1,

    /// <summary>The cross-entropy of each token: -log p of its target.</summary>
    NegativeLogLikelihood = 2,

    /// <summary>The entropy of each token's probabilities.</summary>
    Entropy = 4,

    /// <summary>Each token's likeliest class.</summary>
    Argmax = 8,
}

/// <summary>A loss with what was found on the way. Tensors that were not asked for are null. Disposing it disposes them all.</summary>
/// <remarks>
/// Per-token tensors have the loss's shape under reduction None. At tokens that do not count they are 0, and <see cref="argmax"/> is -1. <see cref="lse"/>,
/// <see cref="nll"/> and <see cref="entropy"/> are of the input's dtype and differentiable, except under <see cref="LinearCrossEntropyMode.GradientInForward"/>.
/// </remarks>
public sealed class LinearCrossEntropyOutputs : IDisposable
{
    private readonly CutCrossEntropyState _state;

    internal LinearCrossEntropyOutputs(Tensor loss, Tensor? lse, Tensor? nll, Tensor? entropy, Tensor? argmax, double accuracy, CutCrossEntropyState state)
    {
        (this.loss, this.lse, this.nll, this.entropy, this.argmax, this.accuracy) = (loss, lse, nll, entropy, argmax, accuracy);
        _state = state;
    }

    /// <summary>The loss, reduced as asked.</summary>
    public Tensor loss { get; }

    /// <summary>log(sum(exp(logits))) of each token; of StableMax, the logarithm of its sum.</summary>
    public Tensor? lse { get; }

    /// <summary>The cross-entropy of each token, with class weights and smoothing, without token weights and z-loss: -log p of its target where none of them is given.</summary>
    public Tensor? nll { get; }

    /// <summary>-sum(p * log(p)) of each token.</summary>
    public Tensor? entropy { get; }

    /// <summary>The first of each token's largest logits, Int64.</summary>
    public Tensor? argmax { get; }

    /// <summary>Of the tokens that count, the share whose <see cref="argmax"/> is the target. NaN where there is none, where targets are probabilities, or without argmax.</summary>
    public double accuracy { get; }

    /// <summary>Of the logits' gradient, the share of entries that the filter kept; NaN until the gradient has been computed, and where no kernel computed it.</summary>
    public double kept_share => _state.KeptShare;

    /// <summary>Disposes all tensors.</summary>
    public void Dispose()
    {
        loss.Dispose();
        lse?.Dispose();
        nll?.Dispose();
        entropy?.Dispose();
        argmax?.Dispose();
    }
}
