using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>
/// The library's functions and factories, where a TorchSharp user looks for them: on <c>torch.nn.functional</c>, <c>torch.nn</c>, <c>torch.nn.utils</c>, <c>torch.optim</c>
/// and <c>torch.autograd</c>; and one on every module.
/// </summary>
/// <remarks><c>using static TorchSharpSoftmax.Operators;</c> gives the bare names, also in F# and in C# before 14.</remarks>
public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary><c>y = exp(x) / sum(exp(x))</c> along a dim: the values of <c>torch.nn.functional.softmax</c>.</summary>
        /// <remarks>
        /// <para>Float32, Float64, BFloat16 and Float16 on the CPU, of any strides, run in managed kernels (16-bit types with float arithmetic inside). Other dtypes,
        /// layouts and devices take libtorch's own softmax, and give its errors.</para>
        /// <para>Saved for backward: the output. The gradient <c>dx = y * (dy - sum(dy * y))</c> has a derivative itself.</para>
        /// <para>A logit of -inf gets 0; a row of nothing else, and a row with NaN or +inf, is NaN throughout, as in libtorch.</para>
        /// <para>After "The Two-Pass Softmax Algorithm" (Dukhan, Ablavatski).</para>
        /// </remarks>
        /// <param name="input">The logits.</param>
        /// <param name="dim">The dimension that sums to one; negative ones count from the end.</param>
        /// <param name="dtype">The dtype to cast the input to first; null keeps its own.</param>
        /// <param name="algorithm">Auto picks by row length and vector width.</param>
        /// <param name="out">
        /// The tensor to write to and return: the input, or memory of its own, of the same shape, device and resulting dtype. Not differentiable.
        /// </param>
        /// <returns>A new contiguous tensor, or <paramref name="out"/> itself.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or <paramref name="out"/> does not fit, overlaps, or would need a gradient.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="dim"/> is outside the tensor, or <paramref name="algorithm"/> is none of the three.</exception>
        public static Tensor two_pass_softmax(
            Tensor input, long dim = -1, ScalarType? dtype = null, SoftmaxAlgorithm algorithm = SoftmaxAlgorithm.Auto, Tensor? @out = null) =>
            Outputs.Functional<TwoPassSoftmaxFunction, SoftmaxOptions>(input, dtype, SoftmaxOptions.Of(input, dim, algorithm), @out);

        /// <summary>Writes softmax over its input.</summary>
        /// <remarks>Not differentiable. Like libtorch's in-place operators it counts as a change of the input: a graph that has saved it refuses its backward.</remarks>
        /// <param name="input">The logits, of any strides; an expanded tensor, with several elements in one place, is refused.</param>
        /// <param name="dim">The dimension that sums to one; negative ones count from the end.</param>
        /// <param name="algorithm">Auto picks by row length and vector width.</param>
        /// <returns><paramref name="input"/> itself.</returns>
        /// <exception cref="ArgumentException">The input is disposed, expanded, or requires grad while grad mode is on.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="dim"/> is outside the tensor, or <paramref name="algorithm"/> is none of the three.</exception>
        public static Tensor two_pass_softmax_(Tensor input, long dim = -1, SoftmaxAlgorithm algorithm = SoftmaxAlgorithm.Auto) =>
            Outputs.InPlace<TwoPassSoftmaxFunction, SoftmaxOptions>(input, SoftmaxOptions.Of(input, dim, algorithm));

        /// <summary><c>y = x - log(sum(exp(x)))</c> along a dim: the values of <c>torch.nn.functional.log_softmax</c>.</summary>
        /// <remarks>
        /// <para>Dtypes, layouts and devices as in <c>two_pass_softmax</c>.</para>
        /// <para>Saved for backward: the output. The gradient <c>dx = dy - exp(y) * sum(dy)</c> has a derivative itself.</para>
        /// <para>A logit of -inf stays -inf; a row of nothing else, and a row with NaN or +inf, is NaN, as in libtorch.</para>
        /// </remarks>
        /// <param name="input">The logits.</param>
        /// <param name="dim">The dimension whose exponentials sum to one; negative ones count from the end.</param>
        /// <param name="dtype">The dtype to cast the input to first; null keeps its own.</param>
        /// <param name="algorithm">Auto picks by row length and vector width.</param>
        /// <param name="out">
        /// The tensor to write to and return: the input, or memory of its own, of the same shape, device and resulting dtype. Not differentiable.
        /// </param>
        /// <returns>A new contiguous tensor, or <paramref name="out"/> itself.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or <paramref name="out"/> does not fit, overlaps, or would need a gradient.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="dim"/> is outside the tensor, or <paramref name="algorithm"/> is none of the three.</exception>
        public static Tensor two_pass_log_softmax(
            Tensor input, long dim = -1, ScalarType? dtype = null, SoftmaxAlgorithm algorithm = SoftmaxAlgorithm.Auto, Tensor? @out = null) =>
            Outputs.Functional<TwoPassLogSoftmaxFunction, SoftmaxOptions>(input, dtype, SoftmaxOptions.Of(input, dim, algorithm), @out);

        /// <summary>Writes log-softmax over its input; see <c>two_pass_softmax_</c>.</summary>
        /// <param name="input">The logits, of any strides; an expanded tensor, with several elements in one place, is refused.</param>
        /// <param name="dim">The dimension whose exponentials sum to one; negative ones count from the end.</param>
        /// <param name="algorithm">Auto picks by row length and vector width.</param>
        /// <returns><paramref name="input"/> itself.</returns>
        /// <exception cref="ArgumentException">The input is disposed, expanded, or requires grad while grad mode is on.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="dim"/> is outside the tensor, or <paramref name="algorithm"/> is none of the three.</exception>
        public static Tensor two_pass_log_softmax_(Tensor input, long dim = -1, SoftmaxAlgorithm algorithm = SoftmaxAlgorithm.Auto) =>
            Outputs.InPlace<TwoPassLogSoftmaxFunction, SoftmaxOptions>(input, SoftmaxOptions.Of(input, dim, algorithm));

        /// <summary><c>log(sum(exp(x)))</c> along a dim: the values of <c>torch.logsumexp</c>, in one read of the input.</summary>
        /// <remarks>
        /// <para>Dtypes, layouts and devices as in <c>two_pass_softmax</c>.</para>
        /// <para>Saved for backward: the input and the output. The gradient <c>dx = dy * exp(x - y)</c> has a derivative itself.</para>
        /// <para>A row of -inf, or of no elements, gives -inf; one with +inf gives +inf; one with NaN gives NaN, as in libtorch.</para>
        /// </remarks>
        /// <param name="input">The logits.</param>
        /// <param name="dim">The dimension to reduce; negative ones count from the end.</param>
        /// <param name="keepdim">Whether the reduced dimension stays, with size 1.</param>
        /// <param name="out">The tensor to write to and return, of the result's shape, device and dtype. Not differentiable.</param>
        /// <returns>A new tensor, or <paramref name="out"/> itself.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed, or <paramref name="out"/> does not fit or would need a gradient.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="dim"/> is outside the tensor.</exception>
        public static Tensor two_pass_logsumexp(Tensor input, long dim, bool keepdim = false, Tensor? @out = null) =>
            LogSumExpOutputs.Functional(input, dim, keepdim, @out);
    }
}
