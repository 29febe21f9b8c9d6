using System;
using System.Collections.Generic;
using System.Linq;

namespace TorchSharp;

public static partial class torch
{
    public static partial class autograd
    {
        public class AutogradContext : IDisposable
        {
            private readonly Node node;
            private readonly Dictionary<string, object> data = new();

            // Never cleared: with a raw output of forward in it, the node keeps itself alive. A user's function has to clear the list.
            private List<Tensor> toSave = new();
            private List<SavedVariable> saved = new();

            internal AutogradContext(Node node) => this.node = node;

            internal List<Tensor> Dirty { get; private set; } = new();

            internal List<Tensor> NonDifferentiable { get; private set; } = new();

            public bool MaterializeGrads { get; private set; } = true;

            public void set_materialize_grads(bool value) => MaterializeGrads = value;

            public void save_for_backward(List<Tensor> tensors) => toSave = tensors;

            public void mark_dirty(List<Tensor> tensors) => Dirty = tensors.ToList();

            public void mark_non_differentiable(List<Tensor> tensors) => NonDifferentiable = tensors.ToList();

            public void save_data(string key, object value)
            {
                if (value is Tensor) Console.WriteLine("A tensor was given to save_data(): tensors belong in save_for_backward().");
                data[key] = value;
            }

            public object get_data(string key) => data.TryGetValue(key, out var value) ? value : null;

            public List<Tensor> get_saved_variables()
            {
                lock (node) return saved.Select(variable => variable.Unpack(node.Handle)).ToList();
            }

            /// <summary>Runs after forward has returned and its outputs hang in the graph.</summary>
            internal void SaveVariables()
            {
                lock (node)
                {
                    saved.Clear();
                    foreach (var tensor in toSave) saved.Add(new SavedVariable(tensor, node.Handle));
                }
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing || saved is null) return;
                foreach (var variable in saved) variable.Dispose();
                saved = null;
            }
        }
    }
}
