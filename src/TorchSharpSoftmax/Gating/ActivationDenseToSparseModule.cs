using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules
{
    /// <summary>A linear map with the activation gate. See <c>torch.nn.functional.activation_dense_to_sparse_gate</c>.</summary>
    /// <remarks>
    /// Its state: linear.weight, [E, in_features], bias, [E], which is added after the activation, temperature.steps, the schedule's step, and temperature.log, the
    /// temperature's logarithm, where it is learned.
    /// </remarks>
    public sealed class ActivationDenseToSparseGate : nn.Module<Tensor, RoutingOutputs>
    {
        [ComponentName(Name = "bias")]
        private Parameter? _bias;

        [ComponentName(Name = nameof(temperature))]
        private readonly DenseToSparseTemperature _temperature;

        internal ActivationDenseToSparseGate(
            Linear linear, DenseToSparseActivation activation, Parameter? bias, DenseToSparseTemperature temperature, DenseToSparseOptions options)
            : base(nameof(ActivationDenseToSparseGate))
        {
            (this.linear, this.activation, _bias, _temperature, this.options) = (linear, activation, bias, temperature, options);
            register_module(nameof(linear), linear);
            if (bias is not null)
            {
                register_parameter("bias", bias);
            }

            register_module(nameof(this.temperature), temperature);
        }

        /// <summary>The map from tokens to scores, without a bias.</summary>
        [field: ComponentName(Name = nameof(linear))]
        public Linear linear { get; }

        /// <summary>What comes between the map and the softmax.</summary>
        public DenseToSparseActivation activation { get; }

        /// <summary>How it chooses.</summary>
        public DenseToSparseOptions options { get; }

        /// <summary>The temperature at this step.</summary>
        public double temperature => _temperature.Now;

        /// <summary>Takes the schedule one step further: call it after each step of the optimizer.</summary>
        public void step() => _temperature.Advance();

        /// <summary>The choice of each token, computed in float32 or better.</summary>
        /// <param name="input">Tokens, [..., in_features].</param>
        public override RoutingOutputs forward(Tensor input)
        {
            using var scope = NewDisposeScope(); // also for what older TorchSharp makes anew each time: a layer's weight
            RoutingArguments.Input(input, linear.weight.size(1));
            var logits = Operators.Activated(RoutingMath.Linear(input, linear.weight, null), activation, _bias);
            var routing = DenseToSparseRouting.Of(logits, _temperature.Current(), options.Choice(training, _temperature.Step));
            routing.MoveToOuterDisposeScope();
            return routing;
        }
    }
}

namespace TorchSharpSoftmax
{
    public static partial class Operators
    {
        extension(nn)
        {
            /// <summary>
            /// The activation gate: <c>softmax((activation(x W^T) + b) / temperature)</c>, dense while the temperature is high and sparse when it is low.
            /// </summary>
            /// <remarks>
            /// <para>As <c>DenseToSparseGate</c>, with an activation that lets data tell weights and temperature apart. For a homogeneous one, which does not, the library warns,
            /// once for each gate.</para>
            /// <para>After "Is Temperature Sample Efficient for Softmax Gaussian Mixture of Experts?" (Nguyen, Akbarian, Ho).</para>
            /// </remarks>
            /// <param name="in_features">The tokens' size.</param>
            /// <param name="num_experts">E.</param>
            /// <param name="activation">What comes between the map and the softmax.</param>
            /// <param name="bias">Whether there is a bias after the activation; it starts at 0.</param>
            /// <param name="schedule">The temperature; null is 1 always.</param>
            /// <param name="learnable_temperature">Whether it is a parameter, which starts where the schedule does; the schedule must be constant.</param>
            /// <param name="options">How it chooses; null for the defaults.</param>
            /// <param name="device">Of the parameters.</param>
            /// <param name="dtype">Of the parameters.</param>
            /// <exception cref="ArgumentException">A learned temperature has a schedule that changes it, or <paramref name="dtype"/> is not floating.</exception>
            /// <exception cref="ArgumentOutOfRangeException">The activation is unknown, or a number outside its range.</exception>
            public static Modules.ActivationDenseToSparseGate ActivationDenseToSparseGate(
                long in_features, long num_experts, DenseToSparseActivation activation = DenseToSparseActivation.Tanh, bool bias = true,
                DenseToSparseSchedule? schedule = null, bool learnable_temperature = false, DenseToSparseOptions? options = null,
                Device? device = null, ScalarType? dtype = null)
            {
                Check.OfParameters(dtype);
                options ??= new();
                DenseToSparseActivations.Validate(activation);
                CheckDenseToSparse(in_features, num_experts, schedule, learnable_temperature, options);
                if (activation.IsHomogeneous() && learnable_temperature)
                {
                    WarnOfTemperature(nameof(ActivationDenseToSparseGate), $"the activation {activation}");
                }
                else if (activation.IsHomogeneous())
                {
                    Diagnostics.Warn(
                        $"{nameof(ActivationDenseToSparseGate)}.{activation}",
                        $"{nameof(ActivationDenseToSparseGate)} has the activation {activation}, which is homogeneous: the derivatives of its softmax depend on each other, and the "
                        + $"rates that the activation gate is for do not hold. {DenseToSparseActivations.Independent} fulfils the condition.");
                }

                var ofBias = bias ? (Parameter)new Parameter(zeros([num_experts], dtype ?? get_default_dtype(), device)).DetachFromDisposeScope() : null;
                return new(
                    nn.Linear(in_features, num_experts, hasBias: false, device, dtype), activation, ofBias, Temperature(schedule, learnable_temperature, device, dtype), options);
            }
        }
    }
}
