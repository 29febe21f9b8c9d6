using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules
{
    /// <summary>Cross-entropy of StableMax: a drop-in for <see cref="TorchSharp.Modules.CrossEntropyLoss"/>. See <c>torch.nn.functional.stablemax_cross_entropy</c>.</summary>
    /// <remarks>As there, the weight is no buffer: moving the module does not move it, and no state dict has it.</remarks>
    public sealed class StableMaxCrossEntropyLoss : WeightedLoss<Tensor, Tensor, Tensor>
    {
        internal StableMaxCrossEntropyLoss(Tensor? weight, long? ignore_index, nn.Reduction reduction, double label_smoothing) : base(weight, reduction) =>
            (this.ignore_index, this.label_smoothing) = (ignore_index, label_smoothing);

        /// <summary>The class number of targets that do not count; null is -100.</summary>
        public long? ignore_index { get; }

        /// <summary>The share of the target that is spread over all classes.</summary>
        public double label_smoothing { get; }

        /// <summary>The loss.</summary>
        /// <param name="input">The logits: [C], [N, C] or [N, C, ...].</param>
        /// <param name="target">Class numbers or probabilities.</param>
        public override Tensor forward(Tensor input, Tensor target) =>
            nn.functional.stablemax_cross_entropy(input, target, weight, ignore_index ?? -100, reduction, label_smoothing);
    }

    /// <summary>
    /// Cross-entropy that keeps its gradient where softmax collapses: a drop-in for <see cref="TorchSharp.Modules.CrossEntropyLoss"/>. See
    /// <c>torch.nn.functional.collapse_free_cross_entropy</c>.
    /// </summary>
    /// <remarks>As there, the weight is no buffer: moving the module does not move it, and no state dict has it.</remarks>
    public sealed class CollapseFreeCrossEntropyLoss : WeightedLoss<Tensor, Tensor, Tensor>
    {
        internal CollapseFreeCrossEntropyLoss(Tensor? weight, long? ignore_index, nn.Reduction reduction, double label_smoothing) : base(weight, reduction) =>
            (this.ignore_index, this.label_smoothing) = (ignore_index, label_smoothing);

        /// <summary>The class number of targets that do not count; null is -100.</summary>
        public long? ignore_index { get; }

        /// <summary>The share of the target that is spread over all classes.</summary>
        public double label_smoothing { get; }

        /// <summary>The loss.</summary>
        /// <param name="input">The logits: [C], [N, C] or [N, C, ...].</param>
        /// <param name="target">Class numbers or probabilities.</param>
        public override Tensor forward(Tensor input, Tensor target) =>
            nn.functional.collapse_free_cross_entropy(input, target, weight, ignore_index ?? -100, reduction, label_smoothing);
    }
}

namespace TorchSharpSoftmax
{
    public static partial class Operators
    {
        extension(nn)
        {
            /// <summary>A module that applies <c>stablemax_cross_entropy</c>.</summary>
            /// <param name="weight">A weight per class, of the logits' dtype, or null.</param>
            /// <param name="ignore_index">The class number of targets that do not count; null is -100.</param>
            /// <param name="reduction">None, Mean or Sum.</param>
            /// <param name="label_smoothing">The share of the target that is spread over all classes, 0 to 1.</param>
            /// <exception cref="ArgumentOutOfRangeException"><paramref name="reduction"/> or <paramref name="label_smoothing"/> is outside its range.</exception>
            public static Modules.StableMaxCrossEntropyLoss StableMaxCrossEntropyLoss(
                Tensor? weight = null, long? ignore_index = null, nn.Reduction reduction = nn.Reduction.Mean, double label_smoothing = 0)
            {
                CrossEntropyArguments.Options(reduction, label_smoothing);
                return new(weight, ignore_index, reduction, label_smoothing);
            }

            /// <summary>A module that applies <c>collapse_free_cross_entropy</c>.</summary>
            /// <param name="weight">A weight per class, of the logits' dtype, or null.</param>
            /// <param name="ignore_index">The class number of targets that do not count; null is -100.</param>
            /// <param name="reduction">None, Mean or Sum.</param>
            /// <param name="label_smoothing">The share of the target that is spread over all classes, 0 to 1.</param>
            /// <exception cref="ArgumentOutOfRangeException"><paramref name="reduction"/> or <paramref name="label_smoothing"/> is outside its range.</exception>
            public static Modules.CollapseFreeCrossEntropyLoss CollapseFreeCrossEntropyLoss(
                Tensor? weight = null, long? ignore_index = null, nn.Reduction reduction = nn.Reduction.Mean, double label_smoothing = 0)
            {
                CrossEntropyArguments.Options(reduction, label_smoothing);
                return new(weight, ignore_index, reduction, label_smoothing);
            }
        }
    }
}
