using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules
{
    /// <summary>
    /// A linear head together with its cross-entropy, which never holds the logits of all tokens: the module of that name in PyTorch 2.13. See
    /// <c>torch.nn.functional.linear_cross_entropy</c>.
    /// </summary>
    /// <remarks>Its parameters are linear.weight, [C, D], and linear.bias. As in TorchSharp's losses, the class weight is no buffer: moving the module does not move it, and no
    /// state dict has it.</remarks>
    public sealed class LinearCrossEntropyLoss : WeightedLoss<Tensor, Tensor, Tensor>
    {
        internal LinearCrossEntropyLoss(
            Linear linear, Tensor? weight, nn.Reduction reduction, long? ignore_index, double label_smoothing, LinearCrossEntropyOptions? options)
            : base(weight, reduction)
        {
            (this.linear, this.ignore_index, this.label_smoothing, this.options) = (linear, ignore_index, label_smoothing, options);
            register_module(nameof(linear), linear);
        }

        /// <summary>The head, initialised as every linear layer: what evaluates the logits of a few tokens, and shares its weight with an embedding.</summary>
        [field: ComponentName(Name = nameof(linear))]
        public Linear linear { get; }

        /// <summary>The class number of targets that do not count; null is -100.</summary>
        public long? ignore_index { get; }

        /// <summary>The share of the target that is spread over all classes.</summary>
        public double label_smoothing { get; }

        /// <summary>What PyTorch has not, or null.</summary>
        public LinearCrossEntropyOptions? options { get; }

        /// <summary>The loss.</summary>
        /// <param name="input">The features: [D], [N, D] or [..., D].</param>
        /// <param name="target">Class numbers or probabilities.</param>
        public override Tensor forward(Tensor input, Tensor target)
        {
            using var scope = NewDisposeScope(); // for what older TorchSharp makes anew each time: a layer's weight and bias
            return nn.functional.linear_cross_entropy(input, linear.weight, target, linear.bias, weight, reduction, ignore_index, label_smoothing, options)
                .MoveToOuterDisposeScope();
        }
    }
}

namespace TorchSharpSoftmax
{
    public static partial class Operators
    {
        extension(nn)
        {
            /// <summary>A linear head with its cross-entropy, as <c>linear_cross_entropy</c>.</summary>
            /// <param name="in_features">D: the input's last dim.</param>
            /// <param name="num_classes">C.</param>
            /// <param name="bias">Whether the head has a bias.</param>
            /// <param name="device">Of the head's parameters.</param>
            /// <param name="dtype">Of the head's parameters.</param>
            /// <param name="reduction">None, Mean or Sum.</param>
            /// <param name="weight">A weight per class, of the head's dtype, or null.</param>
            /// <param name="ignore_index">The class number of targets that do not count; null is -100.</param>
            /// <param name="label_smoothing">The share of the target that is spread over all classes, 0 to 1.</param>
            /// <param name="options">What PyTorch has not; null for its defaults.</param>
            /// <exception cref="ArgumentException">Options do not go together, or <paramref name="dtype"/> is not floating.</exception>
            /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
            public static Modules.LinearCrossEntropyLoss LinearCrossEntropyLoss(
                long in_features, long num_classes, bool bias = false, Device? device = null, ScalarType? dtype = null, nn.Reduction reduction = nn.Reduction.Mean,
                Tensor? weight = null, long? ignore_index = null, double label_smoothing = 0, LinearCrossEntropyOptions? options = null)
            {
                Check.OfParameters(dtype);
                CutCrossEntropyArguments.Sizes(in_features, num_classes);
                CrossEntropyArguments.Options(reduction, label_smoothing);
                CutCrossEntropyArguments.Options(options ?? new(), reduction);
                return new(nn.Linear(in_features, num_classes, bias, device, dtype), weight, reduction, ignore_index, label_smoothing, options);
            }
        }
    }
}
