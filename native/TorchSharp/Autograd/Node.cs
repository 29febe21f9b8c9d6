using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.Interop.Library;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        /// <summary>The managed half of a custom function's node in the graph.</summary>
        internal abstract unsafe class Node
        {
            // As in TorchSharp: a node stays here from its creation until libtorch deletes its native half, which never happens
            // when forward throws or when the node's own saved list keeps an output alive.
            private static readonly List<Node> AliveNodes = new();

            internal static readonly delegate* unmanaged<IntPtr, IntPtr*, int, IntPtr*, int, int> ApplyCallback = &OnApply;
            internal static readonly delegate* unmanaged<IntPtr, void> DeletedCallback = &OnDeleted;

            private readonly object mutex = new();
            private readonly List<bool> isTensor = new();
            private List<Tensor> outputCopies = new();
            private GCHandle self;
            private IntPtr handle;

            protected Node()
            {
                self = GCHandle.Alloc(this, GCHandleType.Weak);
                handle = Check(ts_node_new(GCHandle.ToIntPtr(self)));
                lock (AliveNodes) AliveNodes.Add(this);
                Context = new AutogradContext(this);
            }

            internal static int AliveCount
            {
                get
                {
                    lock (AliveNodes) return AliveNodes.Count;
                }
            }

            internal IntPtr Handle => handle;

            internal AutogradContext Context { get; }

            protected abstract string FunctionName { get; }

            protected abstract List<Tensor> Backward(List<Tensor> gradients);

            /// <summary>The tensors among the arguments; which of them are tensors is kept for backward.</summary>
            internal List<Tensor> TensorsOf(object[] arguments)
            {
                var tensors = new List<Tensor>();
                foreach (var argument in arguments)
                {
                    var valid = argument is Tensor tensor && !tensor.IsInvalid;
                    isTensor.Add(valid);
                    if (valid) tensors.Add((Tensor)argument);
                }
                return tensors;
            }

            internal void SetNextEdges(List<Tensor> inputs, bool executable)
            {
                fixed (IntPtr* i = Handles(inputs)) Check(ts_node_set_next_edges(handle, i, inputs.Count, executable ? 1 : 0));
            }

            /// <summary>
            /// Takes raw handles on purpose: as in TorchSharp nothing here keeps the outputs of forward alive, so that an output that
            /// only forward knew may be finalized before it is wrapped.
            /// </summary>
            internal List<Tensor> WrapOutputs(IntPtr[] inputs, IntPtr[] nonDifferentiable, IntPtr[] dirty, IntPtr[] outputs, bool executable)
            {
                var results = new IntPtr[outputs.Length];
                fixed (IntPtr* i = inputs, n = nonDifferentiable, d = dirty, o = outputs, r = results)
                {
                    Check(ts_node_wrap_outputs(
                        executable ? handle : IntPtr.Zero, i, inputs.Length, n, nonDifferentiable.Length, d, dirty.Length, o, outputs.Length, r));
                }
                var wrapped = results.Select(result => new Tensor(result)).ToList();
                // The copies belong to the caller's dispose scope, as in TorchSharp: once it has ended, a gradient that has to be
                // materialized from one of them ends the process.
                if (executable) outputCopies = wrapped.Select(output => output.IsInvalid ? null : empty_like(output)).ToList();
                return wrapped;
            }

            internal void ReleaseStrong()
            {
                lock (mutex) ts_node_release_strong(handle);
            }

            private int Apply(IntPtr* gradients, int count, IntPtr* results, int capacity)
            {
                lock (mutex)
                {
                    var given = new List<Tensor>(count);
                    for (var k = 0; k < count; k++)
                    {
                        var materialize = gradients[k] == IntPtr.Zero && Context.MaterializeGrads && outputCopies[k] is not null;
                        given.Add(materialize ? zeros_like(outputCopies[k]) : new Tensor(gradients[k]));
                    }
                    var returned = Backward(given);
                    var surplus = returned.Skip(isTensor.Count);
                    if (returned.Count < isTensor.Count || surplus.Any(Defined))
                        throw new NotImplementedException($"Function {FunctionName} returned an incorrect number of gradients (expected {isTensor.Count}), got {returned.Count}");
                    var produced = 0;
                    for (var k = 0; k < isTensor.Count; k++)
                    {
                        if (isTensor[k])
                        {
                            if (produced == capacity) throw new InvalidOperationException($"Function {FunctionName} has too many inputs.");
                            results[produced++] = returned[k]?.handle ?? IntPtr.Zero;
                        }
                        else if (Defined(returned[k]))
                        {
                            throw new NotImplementedException($"Function {FunctionName} returned a gradient at position {k + 1}, but that argument of forward was not a tensor");
                        }
                    }
                    return produced;
                }
            }

            private static bool Defined(Tensor tensor) => tensor is not null && !tensor.IsInvalid;

            [UnmanagedCallersOnly]
            private static int OnApply(IntPtr managed, IntPtr* gradients, int count, IntPtr* results, int capacity)
            {
                Node node = null;
                try
                {
                    node = (Node)GCHandle.FromIntPtr(managed).Target;
                    return node.Apply(gradients, count, results, capacity);
                }
                catch (Exception e)
                {
                    // TorchSharp lets it escape into native code, which the runtime answers in the same way.
                    Console.Error.WriteLine($"Unhandled exception. {e}");
                    Environment.FailFast($"An exception left backward of the custom function {node?.FunctionName}: {e.GetType().FullName}: {e.Message}");
                    return 0;
                }
            }

            [UnmanagedCallersOnly]
            private static void OnDeleted(IntPtr managed)
            {
                var self = GCHandle.FromIntPtr(managed);
                var node = (Node)self.Target;
                self.Free();
                if (node is null) return;
                lock (AliveNodes) AliveNodes.Remove(node);
                node.Release();
            }

            [MethodImpl(MethodImplOptions.NoInlining)]
            private void Release()
            {
                ts_node_release(handle);
                handle = IntPtr.Zero;
                Context.Dispose();
                foreach (var copy in outputCopies) copy?.Dispose();
                outputCopies = new List<Tensor>();
            }
        }

        internal sealed class Node<T> : Node
            where T : Function<T>, new()
        {
            protected override string FunctionName => Function<T>.Instance.Name;

            protected override List<Tensor> Backward(List<Tensor> gradients) => Function<T>.Instance.backward_internal(Context, gradients);
        }
    }
}
