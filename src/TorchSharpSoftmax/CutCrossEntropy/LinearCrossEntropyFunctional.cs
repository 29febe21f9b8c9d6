using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary>
        /// Cross-entropy of a linear head, <c>cross_entropy(linear(input, linear_weight, linear_bias), target)</c>, without ever holding the logits of all tokens: the
        /// function of that name in PyTorch 2.13, with its arguments and values.
        /// </summary>
        /// <remarks>
        /// <para><c>logits = logit_scale * (input @ linear_weight^T + linear_bias)</c>, with softcap <c>softcap * tanh(logits / softcap)</c>; then for each token
        /// <c>loss = sum over classes of weight * ((1 - label_smoothing) * target + label_smoothing / C) * (lse - logit)</c>, times its weight, plus
        /// <c>z_loss * lse^2</c>. Mean divides the losses by the tokens' weights times the weights of their targets' classes, or for probabilities by the tokens' weights alone.</para>
        /// <para>Dims of the input before the last are tokens; unlike <c>cross_entropy</c>, classes are never among them. Ignored tokens are left out first, and cost nothing.
        /// Class numbers are checked.</para>
        /// <para>Where a gradient is wanted and the loss is a Mean or Sum, forward computes the gradients beside the loss, and keeps them: the logits are needed only once.
        /// None computes the logits again in backward. See <see cref="LinearCrossEntropyMode"/>. Either way memory beyond inputs and gradients is the workspace and a few numbers per token.
        /// Saved for backward: the arguments, and the gradients that forward computed.</para>
        /// <para>In the first backward the kept gradients are multiplied with the upstream gradient in place and given away: a large parameter's <c>grad</c> is what forward computed,
        /// not a copy of it. A further backward, over a retained graph, computes all again. A frozen input, weight or bias costs nothing.</para>
        /// <para>Float32, Float64, BFloat16 and Float16 on the CPU, of any strides, run in managed kernels (16-bit types with float arithmetic inside; the gradient of a
        /// 16-bit weight is summed in float, rounded, and rounded once more where the upstream gradient is no power of two). The number of threads changes no bit. Other
        /// devices and layouts, probabilities that require grad, and class weights that do, take libtorch's operators with the logits of all counted tokens; so does
        /// backward under <c>create_graph</c>, and the second derivative.</para>
        /// <para>A mean over no token is NaN with gradient 0, as in <c>cross_entropy</c>; a sum is 0. A logit of -inf has probability 0; as a target it costs +inf. NaN or
        /// +inf makes its token's loss NaN. What counts with exactly 0 (a probability, a class's weight) counts 0 even at a logit of -inf.</para>
        /// <para>After "Cut Your Losses in Large-Vocabulary Language Models" (Wijmans, Huval, Hertzberg, Koltun, Kraehenbuehl).</para>
        /// </remarks>
        /// <param name="input">The features: [D], [N, D] or [..., D], of a floating dtype.</param>
        /// <param name="linear_weight">The head's weight, [C, D] of the input's dtype.</param>
        /// <param name="target">Class numbers (Int64) of the input's shape without D; or probabilities of that shape and C, of the input's dtype; or, beside
        /// <see cref="LinearCrossEntropyOptions.target_probabilities"/>, K class numbers for each token.</param>
        /// <param name="linear_bias">The head's bias, [C] of the input's dtype, or null.</param>
        /// <param name="weight">A weight per class, [C] of the input's dtype, or null.</param>
        /// <param name="reduction">None, Mean or Sum.</param>
        /// <param name="ignore_index">The class number of targets that do not count, also none of the classes; null is -100.</param>
        /// <param name="label_smoothing">The share of the target that is spread over all classes, 0 to 1.</param>
        /// <param name="options">What PyTorch has not; null for its defaults.</param>
        /// <returns>A scalar, or for None a tensor of the input's shape without D and without the tokens that shift leaves without a target, of the input's dtype.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or of a dtype, shape or device that does not fit; a weight requires grad that has no derivative; targets of
        /// one token name a class twice; no token counts, where the options forbid that; or options do not go together.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A class number, a number among the arguments or the options is outside its range, or the workspace too small.</exception>
        public static Tensor linear_cross_entropy(
            Tensor input, Tensor linear_weight, Tensor target, Tensor? linear_bias = null, Tensor? weight = null, nn.Reduction reduction = nn.Reduction.Mean,
            long? ignore_index = null, double label_smoothing = 0, LinearCrossEntropyOptions? options = null) =>
            CutCrossEntropyLosses.Of(
                input, linear_weight, target, linear_bias, weight, reduction, ignore_index, label_smoothing, options, LinearCrossEntropyResults.None).loss;

        /// <summary><c>linear_cross_entropy</c> with more of what it finds, in the same pass: log-sum-exp, log-likelihood and entropy of each token, and its likeliest class.</summary>
        /// <remarks>Log-sum-exp, log-likelihood and entropy are differentiable, together with the loss, by computing the logits again in backward.</remarks>
        /// <param name="input">As there.</param>
        /// <param name="linear_weight">As there.</param>
        /// <param name="target">As there.</param>
        /// <param name="outputs">What is wanted beside the loss.</param>
        /// <param name="linear_bias">As there.</param>
        /// <param name="weight">As there.</param>
        /// <param name="reduction">Of the loss.</param>
        /// <param name="ignore_index">As there.</param>
        /// <param name="label_smoothing">As there.</param>
        /// <param name="options">As there.</param>
        /// <returns>The loss, and what was asked for; to be disposed, or by its tensors' scope.</returns>
        /// <exception cref="ArgumentException">As there.</exception>
        /// <exception cref="ArgumentOutOfRangeException">As there, or <paramref name="outputs"/> is unknown.</exception>
        public static LinearCrossEntropyOutputs linear_cross_entropy_outputs(
            Tensor input, Tensor linear_weight, Tensor target, LinearCrossEntropyResults outputs, Tensor? linear_bias = null, Tensor? weight = null,
            nn.Reduction reduction = nn.Reduction.Mean, long? ignore_index = null, double label_smoothing = 0, LinearCrossEntropyOptions? options = null) =>
            CutCrossEntropyLosses.Of(input, linear_weight, target, linear_bias, weight, reduction, ignore_index, label_smoothing, options, outputs);
    }
}
