using System;
using System.Collections.Generic;
using TorchSharp.Interop;
using static TorchSharp.Interop.Library;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public bool requires_grad
        {
            get => Alive(ts_requires_grad(Handle)) != 0;
            set
            {
                Check(ts_set_requires_grad(Handle, value ? 1 : 0));
                GC.KeepAlive(this);
            }
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        public void retain_grad()
        {
            Check(ts_retain_grad(Handle));
            GC.KeepAlive(this);
        }

        /// <summary>A new tensor over the gradient at each call; null when there is none.</summary>
        public Tensor grad
        {
            get
            {
                var gradient = Alive(ts_get_grad(Handle));
                return gradient == IntPtr.Zero ? null : new Tensor(gradient);
            }
            set
            {
                Check(ts_set_grad(Handle, value is null ? IntPtr.Zero : value.Handle));
                GC.KeepAlive(value);
                GC.KeepAlive(this);
            }
        }

        public void backward() => autograd.backward(new[] { this });

        public void backward(IList<Tensor> grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor> inputs = null) =>
            autograd.backward(new[] { this }, grad_tensors, retain_graph, create_graph, inputs);

        public Tensor detach() => Native.Call("detach", this);

        public Tensor detach_() => InPlace("detach_", this);
    }
}
