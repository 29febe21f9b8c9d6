using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary>The weight itself, whose gradient loses its part along the weight on the way back: any optimizer then sees the projected gradient.</summary>
        /// <remarks>
        /// <para>Forward: an alias of <paramref name="weight"/>, no copy. Backward: <c>perp_projection(weight, dy)</c>, with the same options. Saved: the weight.</para>
        /// <para>The second derivative: the first one is P(w, dy), P being <c>perp_projection</c>. It is differentiated in w, and in dy; what dy owes to the weight's use in
        /// the loss comes back through this function and is projected like every gradient that does. So it is not the Hessian of the loss, nor of any function.</para>
        /// <para>What is projected is the gradient that arrives here: where a weight is used several times, apply it once and use the result several times.</para>
        /// </remarks>
        /// <param name="weight">A floating tensor of any strides.</param>
        /// <param name="granularity">Tensor or Row: what counts as one vector.</param>
        /// <param name="rescale">Whether what is left gets back the norm of the whole.</param>
        /// <param name="eps">Added to the weight's squared norm.</param>
        /// <param name="strength">How much of the parallel part goes: 1 all, 0 nothing.</param>
        /// <returns>An alias of <paramref name="weight"/>.</returns>
        /// <exception cref="ArgumentException">The weight is disposed, sparse, or not of a floating dtype; <paramref name="granularity"/> is Global.</exception>
        /// <exception cref="ArgumentOutOfRangeException">
        /// <paramref name="eps"/> is negative or not finite, <paramref name="strength"/> is outside 0 to 1, or <paramref name="granularity"/> is none of the three.
        /// </exception>
        public static Tensor perp_grad(
            Tensor weight, PerpGradGranularity granularity = PerpGradGranularity.Tensor, bool rescale = true, double eps = 1e-30, double strength = 1)
        {
            Check.DenseFloating(weight, nameof(weight));
            return PerpGradFunction.Apply(weight, PerpGradOptions.OfOneTensor(granularity, rescale, eps, strength));
        }

        /// <summary>
        /// <c>p = grad - strength * (weight . grad) / (|weight|^2 + eps) * weight</c>, then <c>p * |grad| / |p|</c>: a gradient without its part along the weight, of
        /// the norm it had.
        /// </summary>
        /// <remarks>
        /// <para>Float32, Float64, BFloat16 and Float16 on the CPU run in managed kernels, two passes over memory and no temporaries. All sums are in double, of
        /// 16-bit tensors in float without drift; the cosine between a Float32 weight and what is left is at most 1e-7, whatever it was. 16-bit results are as
        /// orthogonal as their rounding allows. Other devices take libtorch's operators, in float64.</para>
        /// <para>A weight of zeros leaves the gradient as it is. A gradient parallel to its weight up to rounding, as that of one element always is, gives 0: the
        /// orthogonal part is below eps(dtype) of the gradient (2^-49 for Float64). NaN gives NaN throughout its vector.</para>
        /// <para>Differentiable in both, any number of times; the derivative of a rescaled parallel gradient counts as 0. Saved: both inputs.</para>
        /// <para>After "Grokking at the Edge of Numerical Stability" (Prieto, Barsbey, Mediano, Birdal), whose code rescales, and whose formula does not.</para>
        /// </remarks>
        /// <param name="weight">A floating tensor of any strides.</param>
        /// <param name="grad">A gradient of the same shape, dtype and device.</param>
        /// <param name="granularity">Tensor or Row: what counts as one vector.</param>
        /// <param name="rescale">Whether what is left gets back the norm of the whole.</param>
        /// <param name="eps">Added to the weight's squared norm.</param>
        /// <param name="strength">How much of the parallel part goes: 1 all, 0 nothing.</param>
        /// <returns>A new tensor.</returns>
        /// <exception cref="ArgumentException">
        /// A tensor is disposed, sparse, or not of a floating dtype, the two do not fit each other, or <paramref name="granularity"/> is Global.
        /// </exception>
        /// <exception cref="ArgumentOutOfRangeException">
        /// <paramref name="eps"/> is negative or not finite, <paramref name="strength"/> is outside 0 to 1, or <paramref name="granularity"/> is none of the three.
        /// </exception>
        public static Tensor perp_projection(
            Tensor weight, Tensor grad, PerpGradGranularity granularity = PerpGradGranularity.Tensor, bool rescale = true, double eps = 1e-30, double strength = 1)
        {
            PerpGradOptions.CheckPair(weight, grad, nameof(weight), nameof(grad));
            return PerpProjectionFunction.Apply(weight, grad, PerpGradOptions.OfOneTensor(granularity, rescale, eps, strength));
        }
    }

    extension(nn.utils)
    {
        /// <summary>Projects the gradients of parameters where they lie: call it after backward and before the optimizer's step.</summary>
        /// <remarks>
        /// Formula, precision and edges as in <c>perp_projection</c>. A parameter without gradient is skipped. All gradients are checked before the first is written.
        /// </remarks>
        /// <param name="parameters">The parameters; with Global granularity they are one vector.</param>
        /// <param name="granularity">What counts as one vector.</param>
        /// <param name="rescale">Whether what is left of a vector gets back the norm of the whole.</param>
        /// <param name="eps">Added to the weight's squared norm.</param>
        /// <param name="strength">How much of the parallel part goes: 1 all, 0 nothing.</param>
        /// <param name="filter">Which parameters to project. By default those of more than one element: the gradient of one number is all parallel.</param>
        /// <exception cref="ArgumentException">A parameter is disposed or not of a floating dtype; its gradient is sparse, expanded, or does not fit it.</exception>
        /// <exception cref="ArgumentOutOfRangeException">
        /// <paramref name="eps"/> is negative or not finite, <paramref name="strength"/> is outside 0 to 1, or <paramref name="granularity"/> is none of the three.
        /// </exception>
        public static void perp_grad_(
            IEnumerable<Parameter> parameters, PerpGradGranularity granularity = PerpGradGranularity.Tensor, bool rescale = true, double eps = 1e-30,
            double strength = 1, Func<Parameter, bool>? filter = null)
        {
            Check.NotNull(parameters, nameof(parameters), "a sequence of parameters");
            PerpGradInPlace.Project(parameters, PerpGradOptions.Checked(granularity, rescale, eps, strength), filter);
        }
    }
}
