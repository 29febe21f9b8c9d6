using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules
{
    /// <summary>An optimizer whose gradients lose their part along the weights before each step of another. See <c>torch.optim.PerpGrad</c>.</summary>
    public sealed class PerpGrad : optim.Optimizer
    {
        private PerpGradOptions _options;

        internal PerpGrad(optim.Optimizer inner, PerpGradOptions options, Func<Parameter, bool>? filter) : base(IntPtr.Zero)
        {
            this.inner = inner;
            this.filter = filter;
            _options = options;
        }

        /// <summary>The optimizer that takes the steps; it keeps the parameter groups and the state.</summary>
        public optim.Optimizer inner { get; }

        /// <summary>What counts as one vector.</summary>
        public PerpGradGranularity granularity => _options.Granularity;

        /// <summary>Whether what is left of a vector gets back the norm of the whole.</summary>
        public bool rescale => _options.Rule.Rescale;

        /// <summary>Added to the weight's squared norm.</summary>
        public double eps => _options.Rule.Eps;

        /// <summary>How much of the parallel part goes, from the next step on: 1 all, 0 nothing.</summary>
        /// <exception cref="ArgumentOutOfRangeException">The value is outside 0 to 1.</exception>
        public double strength
        {
            get => _options.Rule.Strength;
            set
            {
                PerpGradOptions.CheckStrength(value, nameof(strength));
                _options = _options with { Rule = _options.Rule with { Strength = value } };
            }
        }

        /// <summary>Which parameters are projected; null is those of more than one element.</summary>
        public Func<Parameter, bool>? filter { get; }

        /// <inheritdoc/>
        public override IEnumerable<optim.ILearningRateController> ParamGroups => inner.ParamGroups;

        /// <inheritdoc/>
        public override IEnumerable<Parameter> parameters() => inner.parameters();

        /// <inheritdoc/>
        public override void zero_grad() => inner.zero_grad();

        /// <inheritdoc/>
        public override void add_param_group(ParamGroup param_group) => inner.add_param_group(param_group);

        /// <summary>Evaluates the closure, projects the gradients, and has the inner optimizer take its step.</summary>
        /// <param name="closure">Clears the gradients, computes the loss, runs backward and returns the loss. Called once, with gradients enabled.</param>
        /// <returns>The closure's loss, or null.</returns>
        public override Tensor step(Func<Tensor>? closure = null)
        {
            Tensor? loss = null;
            if (closure is not null)
            {
                using var withGrad = enable_grad();
                loss = closure();
            }

            PerpGradInPlace.Project(inner.parameters(), _options, filter);
            inner.step();
            return loss!;
        }

        /// <summary>The inner optimizer's state: what <c>OptimizerHelper.state_dict</c> returns.</summary>
        /// <exception cref="NotSupportedException">The inner optimizer has no state of that form.</exception>
        public StateDictionary state_dict() => Helper.state_dict();

        /// <summary>Gives the inner optimizer a state.</summary>
        /// <param name="state_dict">The state, of this optimizer or of a bare one of the inner one's type.</param>
        /// <exception cref="NotSupportedException">The inner optimizer has no state of that form.</exception>
        public void load_state_dict(StateDictionary state_dict) => Helper.load_state_dict(state_dict);

        /// <summary>Reads the inner optimizer's state from a file.</summary>
        /// <param name="location">The file, written by this optimizer or by a bare one of the inner one's type.</param>
        /// <exception cref="NotSupportedException">The inner optimizer has no state of that form.</exception>
        public void load_state_dict(string location) => Helper.load_state_dict(location);

        /// <summary>Reads the inner optimizer's state.</summary>
        /// <param name="reader">Of what this optimizer wrote, or a bare one of the inner one's type.</param>
        /// <exception cref="NotSupportedException">The inner optimizer has no state of that form.</exception>
        public void load_state_dict(BinaryReader reader) => Helper.load_state_dict(reader);

        /// <summary>Writes the inner optimizer's state to a file, which a bare optimizer of its type reads too.</summary>
        /// <param name="location">The file.</param>
        /// <exception cref="NotSupportedException">The inner optimizer has no state of that form.</exception>
        public void save_state_dict(string location) => Helper.save_state_dict(location);

        /// <summary>Writes the inner optimizer's state.</summary>
        /// <param name="writer">Where to.</param>
        /// <exception cref="NotSupportedException">The inner optimizer has no state of that form.</exception>
        public void save_state_dict(BinaryWriter writer) => Helper.save_state_dict(writer);

        /// <summary>Moves the inner optimizer's state to a device.</summary>
        /// <param name="device">Where the parameters are.</param>
        /// <exception cref="NotSupportedException">The inner optimizer has no state of that form.</exception>
        public void to(Device device) => Helper.to(device);

        /// <inheritdoc/>
        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }

        private OptimizerHelper Helper => inner as OptimizerHelper
            ?? throw new NotSupportedException($"'{nameof(inner)}' is a {inner.GetType().Name}, which has no state to save; an OptimizerHelper is required.");
    }
}

namespace TorchSharpSoftmax
{
    public static partial class Operators
    {
        extension(optim)
        {
            /// <summary>Wraps an optimizer: before each of its steps the gradients lose their part along the weights, as by <c>perp_grad_</c>.</summary>
            /// <remarks>
            /// <para>Parameter groups, learning rates and schedulers, <c>zero_grad</c> and state dictionaries are the inner optimizer's; disposing the wrapper disposes it.
            /// The order of a step: the closure, once and with gradients enabled; the projection; the inner step with its moments and its weight decay.</para>
            /// <para>It is the gradient that is orthogonal to the weights. What an optimizer such as Adam makes of it is not.</para>
            /// <para>After "Grokking at the Edge of Numerical Stability" (Prieto, Barsbey, Mediano, Birdal).</para>
            /// </remarks>
            /// <param name="inner">The optimizer that takes the steps. LBFGS is refused, which evaluates the closure itself, and so is a second PerpGrad.</param>
            /// <param name="granularity">What counts as one vector; Global is all parameters of all groups.</param>
            /// <param name="rescale">Whether what is left of a vector gets back the norm of the whole.</param>
            /// <param name="eps">Added to the weight's squared norm.</param>
            /// <param name="strength">How much of the parallel part goes: 1 all, 0 nothing. It can be changed between steps.</param>
            /// <param name="filter">Which parameters to project. By default those of more than one element.</param>
            /// <exception cref="ArgumentException">The inner optimizer is an LBFGS or a PerpGrad.</exception>
            /// <exception cref="ArgumentNullException">The inner optimizer is null.</exception>
            /// <exception cref="ArgumentOutOfRangeException">
            /// <paramref name="eps"/> is negative or not finite, <paramref name="strength"/> is outside 0 to 1, or <paramref name="granularity"/> is none of the three.
            /// </exception>
            public static Modules.PerpGrad PerpGrad(
                optim.Optimizer inner, PerpGradGranularity granularity = PerpGradGranularity.Tensor, bool rescale = true, double eps = 1e-30,
                double strength = 1, Func<Parameter, bool>? filter = null)
            {
                Check.NotNull(inner, nameof(inner), "an optimizer");
                if (inner is LBFGS)
                {
                    throw new ArgumentException(
                        $"'{nameof(inner)}' is an LBFGS, which evaluates the closure several times in a step; an optimizer that takes one gradient is required.",
                        nameof(inner));
                }

                if (inner is Modules.PerpGrad)
                {
                    throw new ArgumentException(
                        $"'{nameof(inner)}' is a PerpGrad, which would project twice; the optimizer inside it is required.", nameof(inner));
                }

                return new(inner, PerpGradOptions.Checked(granularity, rescale, eps, strength), filter);
            }
        }
    }
}
