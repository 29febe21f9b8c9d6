using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary>
        /// The dense-to-sparse gate: <c>p = softmax(logits / temperature)</c> over the experts, of which those above a threshold are kept, with their probabilities as they are.
        /// </summary>
        /// <remarks>
        /// <para>A high temperature spreads the tokens over all experts, p near 1 / E; a low one gives each token to its likeliest expert, equal ones sharing. It is the
        /// differences to the row's largest logit that are divided, so nothing overflows. With Gumbel noise g the softmax is that of <c>(logits + g) / temperature</c>.</para>
        /// <para>Kept are the experts with <c>p &gt; threshold</c>, and the likeliest always; the number of slots k is that of the token which keeps most, and others have
        /// unused slots. <c>top1</c> keeps the likeliest only, of equal ones that with the lowest index. The gradient is the softmax's, that of what is not kept being 0.</para>
        /// <para>Float32 or Float64 for Float64, whatever the logits are; the softmax is <c>two_pass_softmax</c>. A logit of -inf excludes an expert. A row of nothing else, or
        /// with NaN or +inf, is NaN throughout, and names one expert at least.</para>
        /// <para>After "EvoMoE: An Evolutional Mixture-of-Experts Training Framework via Dense-To-Sparse Gate" (Nie et al.).</para>
        /// </remarks>
        /// <param name="logits">[..., E], of a floating dtype.</param>
        /// <param name="temperature">Above 0.</param>
        /// <param name="threshold">0 or more, less than 1; 0 keeps all experts.</param>
        /// <param name="gumbel">Whether to add noise.</param>
        /// <param name="top1">Whether only the likeliest expert is kept.</param>
        /// <returns>Weights and indices, [..., k], the likeliest first where not all are kept; lse is that of <c>logits / temperature</c>, without noise.</returns>
        /// <exception cref="ArgumentException">The logits are disposed, sparse, not floating, or have no experts.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The temperature is not above 0, or the threshold outside its range.</exception>
        public static RoutingOutputs dense_to_sparse_gate(Tensor logits, double temperature = 1, double threshold = 0, bool gumbel = false, bool top1 = false)
        {
            RoutingArguments.Scores(logits, nameof(logits));
            DenseToSparseRouting.CheckThreshold(threshold);
            return DenseToSparseRouting.Of(logits, DenseToSparseRouting.Checked(temperature), new(gumbel, threshold, top1));
        }

        /// <summary>The dense-to-sparse gate with a temperature that has a gradient, <c>-sum(dz * z) / temperature</c> with z the quotient and dz its gradient.</summary>
        /// <remarks>
        /// Beside logits that are linear in the parameters, weights and temperature can grow together and nothing changes: see <c>activation_dense_to_sparse_gate</c>.
        /// </remarks>
        /// <param name="logits">As there.</param>
        /// <param name="temperature">One element, above 0, of a floating dtype.</param>
        /// <param name="threshold">As there.</param>
        /// <param name="gumbel">As there.</param>
        /// <param name="top1">As there.</param>
        /// <returns>As there.</returns>
        /// <exception cref="ArgumentException">As there, or the temperature is disposed, not floating, or not one element.</exception>
        /// <exception cref="ArgumentOutOfRangeException">As there.</exception>
        public static RoutingOutputs dense_to_sparse_gate(Tensor logits, Tensor temperature, double threshold = 0, bool gumbel = false, bool top1 = false)
        {
            RoutingArguments.Scores(logits, nameof(logits));
            DenseToSparseRouting.CheckThreshold(threshold);
            return DenseToSparseRouting.Of(logits, DenseToSparseRouting.Checked(temperature, logits), new(gumbel, threshold, top1));
        }

        /// <summary>
        /// The activation gate: <c>p = softmax((activation(scores) + bias) / temperature)</c>, and the choice of <c>dense_to_sparse_gate</c>.
        /// </summary>
        /// <remarks>
        /// <para>With a homogeneous activation, the identity among them, the derivative in the temperature is a combination of those in the weights: data cannot tell one from the
        /// other, and estimates of both converge slower than any power of the number of samples. The activations from Tanh to Sin do not have that fault.</para>
        /// <para>After "Is Temperature Sample Efficient for Softmax Gaussian Mixture of Experts?" (Nguyen, Akbarian, Ho).</para>
        /// </remarks>
        /// <param name="scores">The linear map of the tokens, [..., E], of a floating dtype.</param>
        /// <param name="activation">What comes between it and the softmax.</param>
        /// <param name="bias">[E], or null.</param>
        /// <param name="temperature">Above 0.</param>
        /// <param name="threshold">0 or more, less than 1; 0 keeps all experts.</param>
        /// <param name="gumbel">Whether to add noise.</param>
        /// <param name="top1">Whether only the likeliest expert is kept.</param>
        /// <returns>As <c>dense_to_sparse_gate</c>.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, sparse, not floating, or of a shape that does not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The activation is unknown, the temperature not above 0, or the threshold outside its range.</exception>
        public static RoutingOutputs activation_dense_to_sparse_gate(
            Tensor scores, DenseToSparseActivation activation, Tensor? bias = null, double temperature = 1, double threshold = 0, bool gumbel = false, bool top1 = false)
        {
            CheckActivated(scores, activation, bias);
            DenseToSparseRouting.CheckThreshold(threshold);
            var known = DenseToSparseRouting.Checked(temperature);
            using var logits = Activated(scores, activation, bias);
            return DenseToSparseRouting.Of(logits, known, new(gumbel, threshold, top1));
        }

        /// <summary>The activation gate with a temperature that has a gradient.</summary>
        /// <param name="scores">As there.</param>
        /// <param name="activation">As there.</param>
        /// <param name="bias">As there.</param>
        /// <param name="temperature">One element, above 0, of a floating dtype.</param>
        /// <param name="threshold">As there.</param>
        /// <param name="gumbel">As there.</param>
        /// <param name="top1">As there.</param>
        /// <returns>As <c>dense_to_sparse_gate</c>.</returns>
        /// <exception cref="ArgumentException">As there, or the temperature is not one element.</exception>
        /// <exception cref="ArgumentOutOfRangeException">As there.</exception>
        public static RoutingOutputs activation_dense_to_sparse_gate(
            Tensor scores, DenseToSparseActivation activation, Tensor? bias, Tensor temperature, double threshold = 0, bool gumbel = false, bool top1 = false)
        {
            CheckActivated(scores, activation, bias);
            DenseToSparseRouting.CheckThreshold(threshold);
            var known = DenseToSparseRouting.Checked(temperature, scores);
            using var logits = Activated(scores, activation, bias);
            return DenseToSparseRouting.Of(logits, known, new(gumbel, threshold, top1));
        }
    }

    /// <summary>activation(scores) + bias in float32 or better.</summary>
    internal static Tensor Activated(Tensor scores, DenseToSparseActivation activation, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var y = activation.Of(RoutingMath.Wide(scores));
        return (bias is null ? y.alias() : y.add(bias.to_type(y.dtype), Scalars.One)).MoveToOuterDisposeScope();
    }

    private static void CheckActivated(Tensor scores, DenseToSparseActivation activation, Tensor? bias)
    {
        long experts = RoutingArguments.Scores(scores, nameof(scores));
        DenseToSparseActivations.Validate(activation);
        if (bias is not null)
        {
            Check.DenseFloating(bias, nameof(bias));
            Check.Shape(bias, [experts], nameof(bias));
            Check.Device(bias, scores, nameof(bias));
        }
    }
}
