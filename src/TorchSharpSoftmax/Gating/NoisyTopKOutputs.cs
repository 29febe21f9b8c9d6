using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What a noisy gate says, with what its load loss needs.</summary>
/// <remarks><see cref="RoutingOutputs.lse"/> and the probabilities are those of the logits without noise.</remarks>
public sealed class NoisyTopKOutputs : RoutingOutputs
{
    private readonly long _k;

    internal NoisyTopKOutputs(RoutingOutputs routing, Tensor logits, Tensor? noisy_logits, Tensor? noise_stddev, long k)
        : base(routing.weights, routing.indices, routing.lse, routing.counts, routing.mean_probability, routing.probabilities) =>
        (this.logits, this.noisy_logits, this.noise_stddev, _k) = (logits, noisy_logits, noise_stddev, k);

    /// <summary>The logits without noise, [..., E].</summary>
    public Tensor logits { get; }

    /// <summary>The logits that chose, [..., E]; null where there was no noise.</summary>
    public Tensor? noisy_logits { get; }

    /// <summary>The noise's standard deviation, [..., E]; null where there was no noise.</summary>
    public Tensor? noise_stddev { get; }

    /// <summary>The <c>load_loss</c> of this choice.</summary>
    /// <param name="coefficient">The loss's factor.</param>
    /// <param name="mask">Which tokens count, [...] (Bool); null is all.</param>
    /// <exception cref="InvalidOperationException">There was no noise, as in evaluation.</exception>
    public Tensor load_loss(double coefficient = 0.1, Tensor? mask = null) => noisy_logits is null || noise_stddev is null
        ? throw new InvalidOperationException("'noisy_logits' is null; a choice with noise, made in training, is required for a load loss.")
        : nn.functional.load_loss(logits, noisy_logits, noise_stddev, _k, coefficient, mask);

    /// <summary>The <c>importance_loss</c> of this choice.</summary>
    /// <param name="coefficient">The loss's factor.</param>
    /// <param name="mask">Which tokens count, [...] (Bool); null is all.</param>
    public Tensor importance_loss(double coefficient = 0.1, Tensor? mask = null) =>
        nn.functional.importance_loss(weights, coefficient, indices, counts.size(0), mask);

    private protected override IEnumerable<Tensor?> Tensors => [.. base.Tensors, logits, noisy_logits, noise_stddev];
}
