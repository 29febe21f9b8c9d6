using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules
{
    /// <summary>A linear map with the dense-to-sparse gate. See <c>torch.nn.functional.dense_to_sparse_gate</c>.</summary>
    /// <remarks>
    /// Its state: linear.weight, [E, in_features], linear.bias, temperature.steps, the schedule's step, and temperature.log, the temperature's logarithm, where it is learned.
    /// </remarks>
    public sealed class DenseToSparseGate : nn.Module<Tensor, RoutingOutputs>
    {
        [ComponentName(Name = nameof(temperature))]
        private readonly DenseToSparseTemperature _temperature;

        internal DenseToSparseGate(Linear linear, DenseToSparseTemperature temperature, DenseToSparseOptions options) : base(nameof(DenseToSparseGate))
        {
            (this.linear, _temperature, this.options) = (linear, temperature, options);
            register_module(nameof(linear), linear);
            register_module(nameof(this.temperature), temperature);
        }

        /// <summary>The map from tokens to logits.</summary>
        [field: ComponentName(Name = nameof(linear))]
        public Linear linear { get; }

        /// <summary>How it chooses.</summary>
        public DenseToSparseOptions options { get; }

        /// <summary>The temperature at this step.</summary>
        public double temperature => _temperature.Now;

        /// <summary>Takes the schedule one step further: call it after each step of the optimizer.</summary>
        public void step() => _temperature.Advance();

        /// <summary>The choice of each token. Logits are computed in float32 or better; noise, threshold and <see cref="DenseToSparseOptions.top1_after"/> are for training.</summary>
        /// <param name="input">Tokens, [..., in_features].</param>
        public override RoutingOutputs forward(Tensor input)
        {
            using var scope = NewDisposeScope(); // also for what older TorchSharp makes anew each time: a layer's weight
            RoutingArguments.Input(input, linear.weight.size(1));
            var logits = RoutingMath.Linear(input, linear.weight, linear.bias);
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
            /// <summary>A gate that is dense while its temperature is high, and sparse when it is low: <c>softmax((x W^T + b) / temperature)</c>, of which a threshold keeps a part.</summary>
            /// <remarks>
            /// <para>Training keeps the experts above the threshold, evaluation the likeliest one, unless the options say otherwise. The temperature follows the schedule, a
            /// step at every call of <c>step()</c>; its place in it is saved with the state.</para>
            /// <para>A learned temperature is the exponential of a parameter, so it stays above 0. Beside a linear map it cannot be told from the weights' size; that is warned
            /// of, once. Give it to <c>ActivationDenseToSparseGate</c>.</para>
            /// <para>After "EvoMoE: An Evolutional Mixture-of-Experts Training Framework via Dense-To-Sparse Gate" (Nie et al.).</para>
            /// </remarks>
            /// <param name="in_features">The tokens' size.</param>
            /// <param name="num_experts">E.</param>
            /// <param name="bias">Whether the map has a bias.</param>
            /// <param name="schedule">The temperature; null is 1 always.</param>
            /// <param name="learnable_temperature">Whether it is a parameter, which starts where the schedule does; the schedule must be constant.</param>
            /// <param name="options">How it chooses; null for the defaults.</param>
            /// <param name="device">Of the parameters.</param>
            /// <param name="dtype">Of the parameters.</param>
            /// <exception cref="ArgumentException">A learned temperature has a schedule that changes it, or <paramref name="dtype"/> is not floating.</exception>
            /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
            public static Modules.DenseToSparseGate DenseToSparseGate(
                long in_features, long num_experts, bool bias = true, DenseToSparseSchedule? schedule = null, bool learnable_temperature = false,
                DenseToSparseOptions? options = null, Device? device = null, ScalarType? dtype = null)
            {
                Check.OfParameters(dtype);
                options ??= new();
                CheckDenseToSparse(in_features, num_experts, schedule, learnable_temperature, options);
                if (learnable_temperature)
                {
                    WarnOfTemperature(nameof(DenseToSparseGate), "a linear map");
                }

                return new(nn.Linear(in_features, num_experts, bias, device, dtype), Temperature(schedule, learnable_temperature, device, dtype), options);
            }
        }

        private static Modules.DenseToSparseTemperature Temperature(DenseToSparseSchedule? schedule, bool learnable, Device? device, ScalarType? dtype) =>
            new(schedule ?? DenseToSparseSchedule.Constant(1), learnable, device, dtype);

        private static void CheckDenseToSparse(long in_features, long num_experts, DenseToSparseSchedule? schedule, bool learnable_temperature, DenseToSparseOptions options)
        {
            RoutingArguments.AtLeastOne(in_features, nameof(in_features));
            RoutingArguments.AtLeastOne(num_experts, nameof(num_experts));
            options.Validate();
            if (learnable_temperature && schedule is not null && schedule.start != schedule.end)
            {
                throw new ArgumentException(
                    FormattableString.Invariant($"'{nameof(schedule)}' goes from {schedule.start} to {schedule.end} beside '{nameof(learnable_temperature)}'; a constant one, or null, is required."),
                    nameof(schedule));
            }
        }

        private static void WarnOfTemperature(string gate, string what) => Diagnostics.Warn(
            $"{gate}.learnable_temperature",
            $"{gate} learns its temperature beside {what}, which is homogeneous: weights and temperature can grow together and nothing changes, so data determine neither. "
            + $"A temperature by schedule, or an ActivationDenseToSparseGate with {DenseToSparseActivations.Independent}, does not have that fault.");
    }
}
