using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary>The gate of a mixture of experts: for each token the k best of E experts with their weights, and what losses need to know of all of them, in one walk.</summary>
        /// <remarks>
        /// <para>KeptSoftmax: <c>w = softmax(logits[kept])</c>; SoftmaxRenormalized, <c>softmax(logits)[kept] / sum</c>, is the same, value for value. Softmax:
        /// <c>w = softmax(logits)[kept]</c>. Sigmoid: <c>s = sigmoid(logits)</c>, the choice by <c>s + bias</c> among the experts of the kept groups,
        /// <c>w = scale * s[kept] / (sum(s[kept]) + 1e-20)</c>. A group's score is the sum of its two best choices.</para>
        /// <para>Of equal experts the lowest number comes first, at every width and number of threads. 16-bit logits are routed in Float32; weights, log-sum-exp and mean
        /// probability are Float32 then, Float64 for Float64. Float32, Float64, BFloat16 and Float16 on the CPU, of any strides, run in managed kernels; other devices and
        /// layouts take libtorch's operators with the same values.</para>
        /// <para>The gradient of weights touches the kept logits alone, but for mode Softmax; that of log-sum-exp and mean probability, where they are used, all of them. Saved
        /// for backward: the logits, weights and indices, and three numbers per token. The second derivative is composed of libtorch's operators. The choice itself has no
        /// derivative, nor has the bias. With k = 1 weights that are made to sum to 1 are constant: such a gate learns nothing from them.</para>
        /// <para>A NaN counts as -inf in the choice, and makes all of its token's weights NaN. In the softmax modes so do +inf, and -inf throughout, whose log-sum-exp is as infinite;
        /// a kept logit of -inf weighs 0. Indices are k different experts always. Such a token makes the mean probabilities NaN; so does a mean over no token.</para>
        /// <para>After "Statistical Perspective of Top-K Sparse Softmax Gating Mixture of Experts" (Nguyen, Akbarian, Yan, Ho), "Switch Transformers" (Fedus, Zoph, Shazeer) and
        /// "DeepSeek-V3 Technical Report".</para>
        /// </remarks>
        /// <param name="logits">[E] or [..., E], of a floating dtype.</param>
        /// <param name="k">How many experts a token keeps, 1 to E.</param>
        /// <param name="mode">What weights are made of.</param>
        /// <param name="bias">Sigmoid only: [E], added to the scores for the choice alone; or null.</param>
        /// <param name="num_groups">Sigmoid only: neighbouring experts form so many groups of one size.</param>
        /// <param name="topk_groups">Sigmoid only: a token keeps experts of so many groups.</param>
        /// <param name="scale">Sigmoid only: what weights sum to.</param>
        /// <param name="statistics">Whether log-sum-exp and mean probability are wanted; without them the modes that renormalise need no exponential but those of kept logits.</param>
        /// <returns>Weights, indices, counts and statistics; to be disposed, or by its tensors' scope.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or of a dtype, shape or device that does not fit; bias, groups or scale stand beside a softmax; or the bias
        /// requires grad.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
        public static TopKGateOutputs topk_gate(
            Tensor logits, long k, TopKGateMode mode = TopKGateMode.KeptSoftmax, Tensor? bias = null, long num_groups = 1, long topk_groups = 1, double scale = 1,
            bool statistics = true) =>
            TopKGates.Of(logits, k, mode, bias, num_groups, topk_groups, scale, statistics);
    }
}
