using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(nn.functional)
    {
        /// <summary>Cross-entropy of <c>stablemax(input)</c>, with the arguments and the meaning of <c>torch.nn.functional.cross_entropy</c>.</summary>
        /// <param name="input">The logits: [C], [N, C] or [N, C, ...].</param>
        /// <param name="target">Class numbers (Int64) of the input's shape without C, or probabilities of the input's shape.</param>
        /// <param name="weight">A weight per class, or null.</param>
        /// <param name="ignore_index">The class number of targets that do not count.</param>
        /// <param name="reduction">None, Mean or Sum.</param>
        /// <param name="label_smoothing">The share of the target that is spread over all classes.</param>
        public static Tensor stablemax_cross_entropy(
            Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, nn.Reduction reduction = nn.Reduction.Mean, double label_smoothing = 0)
        {
            Check.Alive(input, nameof(input));
            using var g = StableMaxComposed.Logarithm(input);
            return nn.functional.cross_entropy(g, target, weight, ignore_index, reduction, label_smoothing);
        }

        /// <summary>Cross-entropy that keeps its gradient where softmax collapses, with the arguments and the meaning of <c>torch.nn.functional.cross_entropy</c>.</summary>
        /// <param name="input">The logits: [C], [N, C] or [N, C, ...].</param>
        /// <param name="target">Class numbers (Int64) of the input's shape without C, or probabilities of the input's shape.</param>
        /// <param name="weight">A weight per class, or null.</param>
        /// <param name="ignore_index">The class number of targets that do not count.</param>
        /// <param name="reduction">None, Mean or Sum.</param>
        /// <param name="label_smoothing">The share of the target that is spread over all classes.</param>
        public static Tensor collapse_free_cross_entropy(
            Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, nn.Reduction reduction = nn.Reduction.Mean, double label_smoothing = 0)
        {
            Check.Alive(input, nameof(input));
            return nn.functional.cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing);
        }
    }
}
