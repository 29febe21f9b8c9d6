using System;
using System.Collections.Generic;
using System.Linq;
using static TorchSharp.Interop.Library;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        public static IList<Tensor> grad(
            IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor> grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            var results = new IntPtr[inputs.Count];
            unsafe
            {
                fixed (IntPtr* o = Handles(outputs), i = Handles(inputs), g = Handles(grad_outputs), r = results)
                {
                    // As in TorchSharp an error inside ends the process: use backward() where one is possible.
                    ts_grad(o, outputs.Count, i, inputs.Count, g, grad_outputs?.Count ?? 0, retain_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, r);
                }
            }
            KeepAlive(outputs, inputs, grad_outputs);
            return results.Select(h => new Tensor(h)).ToList();
        }

        public static void backward(
            IList<Tensor> tensors, IList<Tensor> grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null)
        {
            var retain = retain_graph ?? create_graph;
            unsafe
            {
                fixed (IntPtr* t = Handles(tensors), g = Handles(grad_tensors), i = Handles(inputs))
                {
                    Check(ts_backward(t, tensors.Count, g, grad_tensors?.Count ?? 0, retain ? 1 : 0, create_graph ? 1 : 0, i, inputs?.Count ?? 0));
                }
            }
            KeepAlive(tensors, grad_tensors, inputs);
        }

        public static void backward(
            Tensor tensor, IList<Tensor> grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null) =>
            backward(new[] { tensor }, grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null) =>
            backward(new[] { tensor }, new[] { grad_tensor }, retain_graph, create_graph, inputs);

        public static AnomalyMode detect_anomaly(bool check_nan = true) => new(true, check_nan);

        public static AnomalyMode set_detect_anomaly(bool mode, bool check_nan = true) => new(mode, check_nan);

        internal static IntPtr[] Handles(IList<Tensor> tensors)
        {
            if (tensors is null) return Array.Empty<IntPtr>();
            var handles = new IntPtr[tensors.Count];
            for (var k = 0; k < handles.Length; k++) handles[k] = tensors[k].Handle;
            return handles;
        }

        private static void KeepAlive(params IList<Tensor>[] lists)
        {
            foreach (var list in lists)
            {
                if (list is null) continue;
                foreach (var tensor in list) GC.KeepAlive(tensor);
            }
        }
    }
}
