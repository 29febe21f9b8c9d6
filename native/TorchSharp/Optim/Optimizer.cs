using System;
using System.Collections.Generic;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class optim
    {
        /// <summary>How learning-rate schedulers see a parameter group.</summary>
        public interface ILearningRateController
        {
            double LearningRate { get; set; }

            double InitialLearningRate { get; set; }
        }

        public interface IMomentum
        {
            double Momentum { get; set; }
        }

        public interface IBetas
        {
            (double, double) Betas { get; set; }
        }

        /// <summary>
        /// The base of all optimizers. An optimizer with no native part (a null handle, as every one here) must override all virtual members:
        /// the base's own work on that part.
        /// </summary>
        public abstract class Optimizer : IDisposable
        {
            protected IList<ParamGroup> _parameter_groups;

            protected Optimizer(IntPtr handle)
            {
                if (handle != IntPtr.Zero)
                {
                    throw new ArgumentException("The handle must be null: there are no native optimizers here.", nameof(handle));
                }
            }

            ~Optimizer() => Dispose(false);

            public virtual IEnumerable<ILearningRateController> ParamGroups => _parameter_groups;

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            public virtual IEnumerable<Parameter> parameters() => NativeParameters() ?? throw NoNativePart();

            public virtual void zero_grad()
            {
                foreach (Parameter parameter in NativeParameters() ?? throw NoNativePart())
                {
                    ZeroGrad(parameter);
                }
            }

            public virtual Tensor step(Func<Tensor> closure = null) => throw NoNativePart();

            public virtual void add_param_group(ParamGroup param_group) => throw new NotSupportedException("The optimizer takes no further parameter groups.");

            protected virtual void Dispose(bool disposing)
            {
                if (disposing)
                {
                    DisposeState();
                }
            }

            /// <summary>What an optimizer keeps besides its groups' states, where TorchSharp's has no Dispose of its own.</summary>
            internal virtual void DisposeState()
            {
            }

            /// <summary>The parameters of the optimizers that are native ones in TorchSharp.</summary>
            internal virtual IEnumerable<Parameter> NativeParameters() => null;

            internal static void ZeroGrad(Parameter parameter)
            {
                using IDisposable noGrad = no_grad();
                using Tensor grad = parameter.grad;
                using Tensor zeroed = grad?.zero_();
            }

            // A null handle handed to a native function is what the caller sees.
            private static ArgumentNullException NoNativePart() => new("handle");

            public class StateDictionary
            {
                internal StateDictionary()
                {
                }

                public List<OptimizerOptions> Options { get; } = new();

                public List<OptimizerState> State { get; } = new();

                public List<List<int>> StateIndexRef { get; } = new();
            }
        }
    }
}
