using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        public abstract class Function<T>
            where T : Function<T>, new()
        {
            internal static T Instance { get; } = new();

            public abstract string Name { get; }

            internal abstract List<Tensor> forward_internal(AutogradContext ctx, params object[] vars);

            internal abstract List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs);

            // Optimized from the first call on, so that the arguments' lives end with their last use as they do in a released TorchSharp.
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            public static List<Tensor> apply_internal(params object[] vars)
            {
                var node = new Node<T>();
                var executable = Connect(node, vars, out var inputs);
                var outputs = Forward(node, vars, out var nonDifferentiable, out var dirty);
                var wrapped = node.WrapOutputs(inputs, nonDifferentiable, dirty, outputs, executable);
                if (executable) node.Context.SaveVariables();
                node.ReleaseStrong();
                return wrapped;
            }

            // Neither step may be inlined: their frames hold the managed tensors, and those frames have to be gone when the raw
            // handles are read, whatever the JIT makes of this code.
            [MethodImpl(MethodImplOptions.NoInlining)]
            private static bool Connect(Node<T> node, object[] vars, out IntPtr[] handles)
            {
                var inputs = node.TensorsOf(vars);
                var executable = is_grad_enabled() && inputs.Exists(input => input.requires_grad);
                node.SetNextEdges(inputs, executable);
                handles = Handles(inputs);
                return executable;
            }

            [MethodImpl(MethodImplOptions.NoInlining)]
            private static IntPtr[] Forward(Node<T> node, object[] vars, out IntPtr[] nonDifferentiable, out IntPtr[] dirty)
            {
                List<Tensor> outputs;
                using (new GradMode(false)) outputs = Instance.forward_internal(node.Context, vars);
                nonDifferentiable = Handles(node.Context.NonDifferentiable);
                dirty = Handles(node.Context.Dirty);
                return Handles(outputs);
            }
        }

        public abstract class SingleTensorFunction<T> : Function<T>
            where T : SingleTensorFunction<T>, new()
        {
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            public static Tensor apply(params object[] vars) => apply_internal(vars)[0];

            public abstract Tensor forward(AutogradContext ctx, params object[] vars);

            public abstract List<Tensor> backward(AutogradContext ctx, Tensor grad_output);

            internal sealed override List<Tensor> forward_internal(AutogradContext ctx, params object[] vars) => new() { forward(ctx, vars) };

            internal sealed override List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs) => backward(ctx, grad_outputs[0]);
        }

        public abstract class MultiTensorFunction<T> : Function<T>
            where T : MultiTensorFunction<T>, new()
        {
            [MethodImpl(MethodImplOptions.AggressiveOptimization)]
            public static List<Tensor> apply(params object[] vars) => apply_internal(vars);

            public abstract List<Tensor> forward(AutogradContext ctx, params object[] vars);

            public abstract List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs);

            internal sealed override List<Tensor> forward_internal(AutogradContext ctx, params object[] vars) => forward(ctx, vars);

            internal sealed override List<Tensor> backward_internal(AutogradContext ctx, List<Tensor> grad_outputs) => backward(ctx, grad_outputs);
        }
    }
}
