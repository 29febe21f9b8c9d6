using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary>
        /// The load-balance loss of Switch and GShard: <c>alpha * E * sum over experts of f * P</c>, f being the expert's share of the assignments and P its mean
        /// probability over the tokens.
        /// </summary>
        /// <remarks>
        /// <para>At balance it is exactly alpha, for any k: f sums to 1 over the experts. (Where f sums to k, as elsewhere, it is k * alpha.) f is a count and has no
        /// gradient; that of P is <c>alpha * E / T * f</c> for each token. Nothing of the size tokens * experts * k is ever made.</para>
        /// <para>A gate that gives every token to every expert has f = 1 / E, a loss of alpha and no gradient: balance it by <c>importance_loss</c>, or with the indices of
        /// each token's largest probability.</para>
        /// <para>Computed in Float32, or Float64 for Float64. Without any token that counts it is 0. NaN among the probabilities of a token that counts makes it NaN.</para>
        /// <para>After "Switch Transformers: Scaling to Trillion Parameter Models with Simple and Efficient Sparsity" (Fedus, Zoph, Shazeer), and "GShard" (Lepikhin et al.),
        /// which counts first choices only.</para>
        /// </remarks>
        /// <param name="probabilities">The softmax over all experts, [..., T, E].</param>
        /// <param name="indices">The chosen experts, [..., T, k] (Int64), the first choice first; -1 where a slot is not used.</param>
        /// <param name="alpha">The loss at balance.</param>
        /// <param name="mask">Which tokens count, [..., T] (Bool); null is all.</param>
        /// <param name="per_sequence">Whether the loss is that of each sequence (the dims before T), and then their mean; else all tokens are one batch.</param>
        /// <param name="first_choice">Whether f counts only each token's first choice.</param>
        /// <returns>A scalar.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or of a dtype, shape or device that does not fit; there is no dim of sequences.</exception>
        /// <exception cref="ArgumentOutOfRangeException">An index is none of the experts, <paramref name="alpha"/> is negative or not finite.</exception>
        public static Tensor load_balance_loss(
            Tensor probabilities, Tensor indices, double alpha = 1e-2, Tensor? mask = null, bool per_sequence = false, bool first_choice = false) =>
            RoutingLosses.LoadBalance(probabilities, indices, alpha, mask, per_sequence, first_choice);

        /// <summary>The <c>load_balance_loss</c> of what a gate has counted: <c>alpha * E * sum(counts / sum(counts) * mean_probability)</c>, a few operations on E numbers.</summary>
        /// <remarks>With dims before E, one loss for each of their places, and the mean of these.</remarks>
        /// <param name="counts">How many assignments each expert has, [..., E] of any dtype; no gradient.</param>
        /// <param name="mean_probability">The mean over the tokens of each expert's probability, [..., E].</param>
        /// <param name="alpha">The loss at balance.</param>
        /// <returns>A scalar.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or of a dtype, shape or device that does not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="alpha"/> is negative or not finite.</exception>
        public static Tensor load_balance_loss_from_counts(Tensor counts, Tensor mean_probability, double alpha = 1e-2) =>
            RoutingLosses.LoadBalance(counts, mean_probability, alpha);

        /// <summary>
        /// The importance loss: <c>coefficient * CV^2(I)</c>, the squared coefficient of variation of <c>I = sum over tokens of the weights</c> of each expert.
        /// </summary>
        /// <remarks>
        /// <para><c>CV^2 = var(I) / (mean(I)^2 + 1e-10)</c> with the population's variance, E in the denominator. (Multiply by E / (E - 1) for the sample's.) It is 0 where all
        /// experts are worth the same, and works for dense gates too. Computed in Float32, or Float64 for Float64.</para>
        /// <para>After "Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts Layer" (Shazeer et al.).</para>
        /// </remarks>
        /// <param name="weights">The weights of all experts, [..., E]; or of the chosen ones, [..., k], beside <paramref name="indices"/>.</param>
        /// <param name="coefficient">The loss's factor.</param>
        /// <param name="indices">The experts of the weights, of their shape (Int64), -1 where a slot is not used; null for weights of all experts.</param>
        /// <param name="num_experts">E, beside <paramref name="indices"/>.</param>
        /// <param name="mask">Which tokens count, of the weights' shape without the last dim (Bool); null is all.</param>
        /// <returns>A scalar.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or of a dtype, shape or device that does not fit; one of indices and their number is missing.</exception>
        /// <exception cref="ArgumentOutOfRangeException">An index is none of the experts, <paramref name="coefficient"/> is negative or not finite.</exception>
        public static Tensor importance_loss(
            Tensor weights, double coefficient = 0.1, Tensor? indices = null, long? num_experts = null, Tensor? mask = null) =>
            RoutingLosses.Importance(weights, coefficient, indices, num_experts, mask);

        /// <summary>
        /// The load loss of a noisy gate: <c>coefficient * CV^2(L)</c> with <c>L = sum over tokens of Phi((logits - threshold) / noise_stddev)</c>, the chance of each expert to be
        /// chosen if its own noise were drawn again.
        /// </summary>
        /// <remarks>
        /// <para>The threshold is the (k+1)-th largest of the token's noisy logits for an expert that is among the k largest, else the k-th. Both sides are logits, never
        /// probabilities. The gradient flows into logits, standard deviations, and the noisy logit that is the threshold. CV^2 as in <c>importance_loss</c>; with k = E it is 0.</para>
        /// <para>At evaluation there is no noise and no such loss. Standard deviations of 0 are not refused: they divide by 0.</para>
        /// <para>After "Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts Layer" (Shazeer et al.).</para>
        /// </remarks>
        /// <param name="logits">The logits without noise, [..., E].</param>
        /// <param name="noisy_logits">The logits that chose, of the same shape and dtype.</param>
        /// <param name="noise_stddev">The noise's standard deviation, of the same shape and dtype.</param>
        /// <param name="k">How many experts a token gets.</param>
        /// <param name="coefficient">The loss's factor.</param>
        /// <param name="mask">Which tokens count, [...] (Bool); null is all.</param>
        /// <returns>A scalar.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or of a dtype, shape or device that does not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="k"/> is not 1 to E, <paramref name="coefficient"/> is negative or not finite.</exception>
        public static Tensor load_loss(
            Tensor logits, Tensor noisy_logits, Tensor noise_stddev, long k, double coefficient = 0.1, Tensor? mask = null) =>
            RoutingLosses.Load(logits, noisy_logits, noise_stddev, k, coefficient, mask);

        /// <summary>The router z-loss: <c>coefficient * mean over tokens of log(sum(exp(logits)))^2</c>, which keeps the logits small.</summary>
        /// <remarks>
        /// <para>The gradient is <c>coefficient * 2 / T * lse * softmax(logits)</c>. Computed in Float32, or Float64 for Float64, by <c>two_pass_logsumexp</c>, which does not
        /// overflow. Without any token that counts it is 0.</para>
        /// <para>After "ST-MoE: Designing Stable and Transferable Sparse Expert Models" (Zoph et al.).</para>
        /// </remarks>
        /// <param name="logits">[..., E].</param>
        /// <param name="coefficient">The loss's factor.</param>
        /// <param name="mask">Which tokens count, [...] (Bool); null is all.</param>
        /// <returns>A scalar.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or of a dtype, shape or device that does not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="coefficient"/> is negative or not finite.</exception>
        public static Tensor router_z_loss(Tensor logits, double coefficient = 1e-3, Tensor? mask = null) =>
            RoutingLosses.RouterZ(logits, coefficient, mask);

        /// <summary>The <c>router_z_loss</c> of a gate's log-sum-exp, which then costs next to nothing.</summary>
        /// <param name="lse"><c>log(sum(exp(logits)))</c> of each token, of any shape.</param>
        /// <param name="coefficient">The loss's factor.</param>
        /// <param name="mask">Which tokens count, of the same shape (Bool); null is all.</param>
        /// <returns>A scalar.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or of a dtype, shape or device that does not fit.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="coefficient"/> is negative or not finite.</exception>
        public static Tensor router_z_loss_from_lse(Tensor lse, double coefficient = 1e-3, Tensor? mask = null) =>
            RoutingLosses.RouterZOfLse(lse, coefficient, mask);
    }
}
