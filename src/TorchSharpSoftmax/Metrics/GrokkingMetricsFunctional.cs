using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.utils)
    {
        /// <summary>
        /// Softmax Collapse: the share of rows whose <c>sum(exp(z - max(z)))</c> is exactly 1 in a dtype, so that the largest logit has absorbed all others.
        /// </summary>
        /// <remarks>
        /// <para>Definition 3 of "Grokking at the Edge of Numerical Stability" (Prieto, Barsbey, Mediano, Birdal): for a row of which the largest class is the right one
        /// the loss is then 0, and so is its gradient. As in the paper's code, whether it is the right one is not asked (there are no targets here). A count divided by
        /// the number of rows, never a mean of floats.</para>
        /// <para>Each step is rounded to the dtype: the difference, the exponential and the sum. Of Float16 and BFloat16 the sum is taken in float and rounded once, as
        /// libtorch does. A row with NaN or +inf, or of nothing but -inf, has not collapsed; one with a single class has.</para>
        /// </remarks>
        /// <param name="logits">[C], [N, C] or [N, C, ...], of a floating dtype.</param>
        /// <param name="dtype">The dtype of the loss, to which the logits are cast first; null keeps theirs.</param>
        /// <returns>0 to 1; NaN where there are no rows.</returns>
        /// <exception cref="ArgumentException">The logits are disposed, sparse, not of a floating dtype, 0-d or without classes; the dtype is not floating.</exception>
        public static double softmax_collapse_fraction(Tensor logits, ScalarType? dtype = null) => GrokkingMetrics.CollapseFraction(logits, dtype);

        /// <summary>The share of losses that are exactly 0: samples that no longer teach anything.</summary>
        /// <param name="losses">A loss per sample, as a reduction of None gives it.</param>
        /// <returns>0 to 1; NaN where there are no losses.</returns>
        /// <exception cref="ArgumentException">The losses are disposed, sparse or not of a floating dtype.</exception>
        public static double zero_loss_fraction(Tensor losses)
        {
            Check.DenseFloating(losses, nameof(losses));
            return GrokkingMetrics.ZeroFraction(losses);
        }

        /// <summary>The share of samples whose <c>cross_entropy</c> is exactly 0 in the logits' dtype.</summary>
        /// <remarks>Of Float16 and BFloat16 logits the loss is computed in float and rounded. Ignored targets do not count.</remarks>
        /// <param name="logits">[C], [N, C] or [N, C, ...], of a floating dtype.</param>
        /// <param name="target">Class numbers (Int64) of the logits' shape without C, or probabilities of the logits' shape.</param>
        /// <param name="ignore_index">The class number of targets that do not count.</param>
        /// <returns>0 to 1; NaN where no target counts.</returns>
        /// <exception cref="ArgumentException">A tensor is disposed; the logits are sparse, 0-d or not of a floating dtype; the target does not fit them.</exception>
        /// <exception cref="ArgumentOutOfRangeException">A class number is none of the classes.</exception>
        public static double zero_loss_fraction(Tensor logits, Tensor target, long ignore_index = -100) =>
            GrokkingMetrics.ZeroFraction(logits, target, ignore_index);

        /// <summary>
        /// Naive Loss Minimization: <c>cosine_similarity(vec(W), -vec(dL/dW))</c> of each parameter, in float64. Near 1 the optimizer does little but scale the weights.
        /// </summary>
        /// <remarks>
        /// After "Grokking at the Edge of Numerical Stability" (Prieto, Barsbey, Mediano, Birdal). Call it after backward and before any projection: a projected
        /// gradient has cosine 0.
        /// </remarks>
        /// <param name="parameters">The parameters.</param>
        /// <returns>One number per parameter, in their order: -1 to 1, NaN for one without gradient and for one whose weight or gradient is all zeros.</returns>
        /// <exception cref="ArgumentException">A parameter is disposed, sparse or not of a floating dtype.</exception>
        public static IReadOnlyList<double> naive_loss_minimization_cosine(IEnumerable<Parameter> parameters)
        {
            Check.NotNull(parameters, nameof(parameters), "a sequence of parameters");
            return [.. parameters.Select((parameter, index) => GrokkingMetrics.Cosine(parameter, $"{nameof(parameters)}[{index}]"))];
        }

        /// <summary>The same with the parameters' names.</summary>
        /// <param name="parameters">What <c>named_parameters()</c> of a module gives.</param>
        /// <returns>A name and a number per parameter, in their order; NaN for one without gradient and for one whose weight or gradient is all zeros.</returns>
        /// <exception cref="ArgumentException">A parameter is disposed, sparse or not of a floating dtype.</exception>
        public static IReadOnlyList<(string name, double cosine)> naive_loss_minimization_cosine(IEnumerable<(string name, Parameter parameter)> parameters)
        {
            Check.NotNull(parameters, nameof(parameters), "a sequence of named parameters");
            return [.. parameters.Select(named => (named.name, GrokkingMetrics.Cosine(named.parameter, named.name)))];
        }
    }
}
