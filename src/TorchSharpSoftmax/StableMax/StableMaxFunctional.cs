using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary>
        /// <c>y = s(x) / sum(s(x))</c> along a dim, with <c>s(x) = x + 1</c> for x &gt;= 0 and <c>1 / (1 - x)</c> for x &lt; 0: probabilities that do not collapse
        /// to 0 and 1 as logits grow.
        /// </summary>
        /// <remarks>
        /// <para>Float32, Float64, BFloat16 and Float16 on the CPU, of any strides, run in managed kernels (16-bit types with float arithmetic inside). Other layouts and
        /// devices take libtorch's operators, <c>softmax(sign(x) * log(1 + |x|))</c>, with the same values.</para>
        /// <para>Saved for backward: the input. The gradient <c>dx = y / (1 + |x|) * (dy - sum(dy * y))</c> has a derivative itself, everywhere but at 0, where s bends:
        /// there the second derivative takes the mean of both sides.</para>
        /// <para>A logit of -inf gets 0, and a gradient of 0; a row of nothing else, and a row with NaN or +inf, is NaN throughout. No sum overflows, however large the
        /// logits. Unlike softmax, adding a number to a whole row changes the result.</para>
        /// <para>After "Grokking at the Edge of Numerical Stability" (Prieto, Barsbey, Mediano, Birdal).</para>
        /// </remarks>
        /// <param name="input">The logits.</param>
        /// <param name="dim">The dimension that sums to one; negative ones count from the end.</param>
        /// <param name="dtype">The floating dtype to cast the input to first; null keeps its own, which must be floating.</param>
        /// <param name="out">
        /// The tensor to write to and return: the input, or memory of its own, of the same shape, device and resulting dtype. Not differentiable.
        /// </param>
        /// <returns>A new contiguous tensor, or <paramref name="out"/> itself.</returns>
        /// <exception cref="ArgumentException">
        /// A tensor is disposed; the logits are no floating numbers, and no dtype or no floating one is given; or <paramref name="out"/> does not fit, overlaps, or would need a gradient.
        /// </exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="dim"/> is outside the tensor.</exception>
        public static Tensor stablemax(Tensor input, long dim = -1, ScalarType? dtype = null, Tensor? @out = null) =>
            Outputs.Functional<StableMaxFunction, int>(input, dtype, Axis(input, dim, dtype), @out);

        /// <summary>Writes StableMax over its input.</summary>
        /// <remarks>Not differentiable. Like libtorch's in-place operators it counts as a change of the input: a graph that has saved it refuses its backward.</remarks>
        /// <param name="input">The logits, of any strides; an expanded tensor, with several elements in one place, is refused.</param>
        /// <param name="dim">The dimension that sums to one; negative ones count from the end.</param>
        /// <returns><paramref name="input"/> itself.</returns>
        /// <exception cref="ArgumentException">The input is disposed, expanded, not of floating numbers, or requires grad while grad mode is on.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="dim"/> is outside the tensor.</exception>
        public static Tensor stablemax_(Tensor input, long dim = -1) => Outputs.InPlace<StableMaxFunction, int>(input, Axis(input, dim, null));

        /// <summary><c>y = log(stablemax(x)) = sign(x) * log(1 + |x|) - log(sum(s(x)))</c> along a dim.</summary>
        /// <remarks>
        /// <para>Dtypes, layouts and devices as in <c>stablemax</c>.</para>
        /// <para>Saved for backward: the input. The gradient <c>dx = (dy - stablemax(x) * sum(dy)) / (1 + |x|)</c> has a derivative itself, everywhere but at 0.</para>
        /// <para>A logit of -inf stays -inf, with a gradient of 0; a row of nothing else, and a row with NaN or +inf, is NaN. No result is above 0.</para>
        /// </remarks>
        /// <param name="input">The logits.</param>
        /// <param name="dim">The dimension whose exponentials sum to one; negative ones count from the end.</param>
        /// <param name="dtype">The floating dtype to cast the input to first; null keeps its own, which must be floating.</param>
        /// <param name="out">
        /// The tensor to write to and return: the input, or memory of its own, of the same shape, device and resulting dtype. Not differentiable.
        /// </param>
        /// <returns>A new contiguous tensor, or <paramref name="out"/> itself.</returns>
        /// <exception cref="ArgumentException">
        /// A tensor is disposed; the logits are no floating numbers, and no dtype or no floating one is given; or <paramref name="out"/> does not fit, overlaps, or would need a gradient.
        /// </exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="dim"/> is outside the tensor.</exception>
        public static Tensor log_stablemax(Tensor input, long dim = -1, ScalarType? dtype = null, Tensor? @out = null) =>
            Outputs.Functional<LogStableMaxFunction, int>(input, dtype, Axis(input, dim, dtype), @out);

        /// <summary>Writes log StableMax over its input; see <c>stablemax_</c>.</summary>
        /// <param name="input">The logits, of any strides; an expanded tensor, with several elements in one place, is refused.</param>
        /// <param name="dim">The dimension whose exponentials sum to one; negative ones count from the end.</param>
        /// <returns><paramref name="input"/> itself.</returns>
        /// <exception cref="ArgumentException">The input is disposed, expanded, not of floating numbers, or requires grad while grad mode is on.</exception>
        /// <exception cref="ArgumentOutOfRangeException"><paramref name="dim"/> is outside the tensor.</exception>
        public static Tensor log_stablemax_(Tensor input, long dim = -1) => Outputs.InPlace<LogStableMaxFunction, int>(input, Axis(input, dim, null));
    }

    private static int Axis(Tensor input, long dim, ScalarType? dtype)
    {
        Check.Alive(input, nameof(input));
        Check.FloatingOrCast(input, dtype);
        return Check.Dim(input, dim);
    }
}
