using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary>
        /// Cross-entropy of StableMax, <c>-log(s(x)[target] / sum(s(x)))</c> with <c>s(x) = x + 1 for x &gt;= 0, 1 / (1 - x) for x &lt; 0</c>: the arguments and the
        /// meaning of <c>torch.nn.functional.cross_entropy</c>, whose values it has on logits <c>sign(x) * log(1 + |x|)</c>.
        /// </summary>
        /// <remarks>
        /// <para>The gradient is <c>dx = dy / (1 + |x|) * (p - onehot(target))</c>. Neither it nor the loss is made from 1 - p: both keep the arithmetic's relative
        /// precision however sure the prediction is, and for logits of any size (float32 up to 1e8 within 1e-6), where float32 formulas give 0. Its derivative is
        /// composed of libtorch's operators; at 0, where s'' jumps, it takes the mean of both sides.</para>
        /// <para>Float32, Float64, BFloat16 and Float16 on the CPU, of any strides, run in managed kernels (16-bit types with float arithmetic inside; losses are
        /// summed in double and rounded once). Classes that are not the last dim are read through a copy. Other devices and layouts, and a weight that
        /// requires grad, take libtorch's operators.</para>
        /// <para>Saved for backward: the arguments and three doubles per row.</para>
        /// <para>A logit of -inf has probability 0 and gradient 0; as a target it costs +inf. A row of nothing else, or with NaN or +inf, has loss and gradient NaN; an
        /// ignored row has 0. What counts with exactly 0 (a probability, a class's weight) counts 0 even at a logit of -inf, where libtorch gives NaN.</para>
        /// <para>After "Grokking at the Edge of Numerical Stability" (Prieto, Barsbey, Mediano, Birdal).</para>
        /// </remarks>
        /// <param name="input">The logits: [C], [N, C] or [N, C, ...], of a floating dtype.</param>
        /// <param name="target">Class numbers (Int64) of the input's shape without C, or probabilities (of a floating dtype) of the input's shape.</param>
        /// <param name="weight">A weight per class, [C] of the input's dtype, or null.</param>
        /// <param name="ignore_index">The class number of targets that do not count; any number, also none of the classes.</param>
        /// <param name="reduction">None, Mean (over the weights of the targets that count; over rows for probabilities) or Sum.</param>
        /// <param name="label_smoothing">The share of the target that is spread over all classes, 0 to 1.</param>
        /// <returns>A scalar, or for None a tensor of the input's shape without C; of the input's dtype, or of the wider one where probabilities have another.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or of a dtype, shape or device that does not fit; or <paramref name="weight"/> requires grad beside class
        /// numbers; or there is an <paramref name="ignore_index"/> beside probabilities.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A class number, <paramref name="reduction"/> or <paramref name="label_smoothing"/> is outside its range.</exception>
        public static Tensor stablemax_cross_entropy(
            Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, nn.Reduction reduction = nn.Reduction.Mean, double label_smoothing = 0) =>
            CrossEntropyLosses.Of(CrossEntropyLink.StableMax, input, target, weight, ignore_index, reduction, label_smoothing);

        /// <summary>
        /// Cross-entropy of softmax, <c>-log(exp(x)[target] / sum(exp(x)))</c>, that keeps its gradient where softmax collapses: the arguments and the values of
        /// <c>torch.nn.functional.cross_entropy</c>.
        /// </summary>
        /// <remarks>
        /// <para>The gradient is <c>dx = dy * (p - onehot(target))</c>. Neither it nor the loss is made from 1 - p: in float32 both are exact to rounding, and not 0, up to a
        /// lead of the target's logit of 100 (103 - log(N) for the mean of N rows), where libtorch's are 0 from about 17 to 30 on. Its derivative is composed of
        /// libtorch's operators.</para>
        /// <para>Dtypes, layouts and devices, what is saved for backward, and edges as in <c>stablemax_cross_entropy</c>; but the gradient of a target of -inf is -dy, as in
        /// libtorch.</para>
        /// <para>After "Grokking at the Edge of Numerical Stability" (Prieto, Barsbey, Mediano, Birdal), which calls the zero gradient Softmax Collapse.</para>
        /// </remarks>
        /// <param name="input">The logits: [C], [N, C] or [N, C, ...], of a floating dtype.</param>
        /// <param name="target">Class numbers (Int64) of the input's shape without C, or probabilities (of a floating dtype) of the input's shape.</param>
        /// <param name="weight">A weight per class, [C] of the input's dtype, or null.</param>
        /// <param name="ignore_index">The class number of targets that do not count; any number, also none of the classes.</param>
        /// <param name="reduction">None, Mean (over the weights of the targets that count; over rows for probabilities) or Sum.</param>
        /// <param name="label_smoothing">The share of the target that is spread over all classes, 0 to 1.</param>
        /// <returns>A scalar, or for None a tensor of the input's shape without C; of the input's dtype, or of the wider one where probabilities have another.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or of a dtype, shape or device that does not fit; or <paramref name="weight"/> requires grad beside class
        /// numbers; or there is an <paramref name="ignore_index"/> beside probabilities.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A class number, <paramref name="reduction"/> or <paramref name="label_smoothing"/> is outside its range.</exception>
        public static Tensor collapse_free_cross_entropy(
            Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, nn.Reduction reduction = nn.Reduction.Mean, double label_smoothing = 0) =>
            CrossEntropyLosses.Of(CrossEntropyLink.Softmax, input, target, weight, ignore_index, reduction, label_smoothing);
    }
}
