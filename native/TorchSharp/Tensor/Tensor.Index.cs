using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Python's t[...]: numbers, slices and new axes make a view; tensors among them gather.</summary>
    public partial class Tensor
    {
        [IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params long[] indices]
        {
            get => index(Positions(indices));
            set => Put(value, Positions(indices));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1]
        {
            get => index(Positions(i1));
            set => Put(value, Positions(i1));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2]
        {
            get => index(Positions(i1, i2));
            set => Put(value, Positions(i1, i2));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3]
        {
            get => index(Positions(i1, i2, i3));
            set => Put(value, Positions(i1, i2, i3));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => index(Positions(i1, i2, i3, i4));
            set => Put(value, Positions(i1, i2, i3, i4));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4, long i5]
        {
            get => index(Positions(i1, i2, i3, i4, i5));
            set => Put(value, Positions(i1, i2, i3, i4, i5));
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4, long i5, long i6]
        {
            get => index(Positions(i1, i2, i3, i4, i5, i6));
            set => Put(value, Positions(i1, i2, i3, i4, i5, i6));
        }

        public Tensor index(params TensorIndex[] indices)
        {
            var view = View(indices, out var gather);
            if (gather is null) return view;
            using (view) return Native.Call("index.Tensor", view, gather);
        }

        public Tensor index(params Tensor[] indices) => index(indices.Select(TensorIndex.Tensor).ToArray());

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var number = Native.Call("scalar_tensor", value, dtype, Arg.None, device);
            return index_put_(number, indices, false);
        }

        public Tensor index_put_(Scalar value, params Tensor[] indices) => index_put_(value, indices.Select(TensorIndex.Tensor).ToArray());

        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) =>
            index_put_(value, indices.Select(TensorIndex.Tensor).ToArray(), accumulate);

        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            using var view = View(indices, out var gather);
            if (gather is not null)
            {
                using var converted = value.dtype == dtype ? value.alias() : value.to_type(dtype);
                Native.Run("index_put_", view, gather, converted, accumulate);
            }
            else if (accumulate)
            {
                Native.Run("add_.Tensor", view, value);
            }
            else
            {
                // As in Python: leading dimensions of one fall away before the value is broadcast.
                using var shaped = Squeezed(value, view.ndim);
                Native.Run("copy_", view, shaped);
            }
            return this;
        }

        /// <summary>By numbers alone the value must broadcast as it is.</summary>
        private void Put(Tensor value, TensorIndex[] indices)
        {
            using var view = View(indices, out _);
            Native.Run("copy_", view, value);
        }

        private static Tensor Squeezed(Tensor value, long ndim)
        {
            var shape = value.shape;
            var drop = 0;
            while (shape.Length - drop > ndim && shape[drop] == 1) drop++;
            return drop == 0 ? value.alias() : value.view(shape[drop..]);
        }

        private static TensorIndex[] Positions(params long[] indices) => Array.ConvertAll(indices, i => (TensorIndex)i);

        /// <summary>Applies what needs no gathering. <paramref name="gather"/> has one entry per dimension, null where nothing is gathered.</summary>
        private Tensor View(TensorIndex[] indices, out Tensor[] gather)
        {
            if (Covered(indices) > ndim) throw new ExternalException($"too many indices for tensor of dimension {ndim}");
            var view = alias();
            var tensors = new List<Tensor>();
            var dim = 0;
            foreach (var index in indices)
            {
                switch (index.What)
                {
                    case TensorIndex.Kind.None:
                        Next(ref view, view.unsqueeze(dim++));
                        break;
                    case TensorIndex.Kind.Bool:
                        Next(ref view, view.unsqueeze(dim));
                        Put(tensors, dim++, torch.tensor(new[] { index.Start == 1 }));
                        break;
                    case TensorIndex.Kind.Single:
                        Next(ref view, view.select(dim, index.Start.Value));
                        break;
                    case TensorIndex.Kind.Slice:
                        Next(ref view, Native.Call("slice.Tensor", view, dim++, index.Start, index.Stop, index.Step ?? 1));
                        break;
                    case TensorIndex.Kind.Ellipsis:
                        dim += (int)view.ndim - dim - Rest(indices);
                        break;
                    case TensorIndex.Kind.Tensor:
                        Put(tensors, dim, index.Of);
                        // A mask covers as many dimensions as it has.
                        dim += index.Of.dtype is ScalarType.Bool or ScalarType.Byte ? (int)index.Of.ndim : 1;
                        break;
                }
            }
            gather = tensors.Count == 0 ? null : tensors.ToArray();
            return view;
        }

        private static int Rest(TensorIndex[] indices) => Covered(indices.SkipWhile(i => i.What != TensorIndex.Kind.Ellipsis).Skip(1));

        private static int Covered(IEnumerable<TensorIndex> indices) =>
            indices.Sum(i => i.What switch
            {
                TensorIndex.Kind.Single or TensorIndex.Kind.Slice => 1,
                TensorIndex.Kind.Tensor => i.Of.dtype is ScalarType.Bool or ScalarType.Byte ? (int)i.Of.ndim : 1,
                _ => 0,
            });

        // `index.Tensor` takes masks as one entry, so entries are counted in entries, not in dimensions.

        private static void Put(List<Tensor> tensors, int dim, Tensor index)
        {
            var covered = tensors.Sum(t => t is null ? 1 : t.dtype is ScalarType.Bool or ScalarType.Byte ? Math.Max(1, (int)t.ndim) : 1);
            for (; covered < dim; covered++) tensors.Add(null);
            tensors.Add(index);
        }

        private static void Next(ref Tensor view, Tensor next)
        {
            view.Dispose();
            view = next;
        }
    }
}
