using System;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>One position of an index: a number, a slice, a tensor, a new axis, an ellipsis, a truth value.</summary>
    public struct TensorIndex
    {
        internal enum Kind { None, Single, Slice, Tensor, Bool, Ellipsis }

        internal Kind What;
        internal long? Start;
        internal long? Stop;
        internal long? Step;
        internal Tensor Of;

        public static TensorIndex Ellipsis = new() { What = Kind.Ellipsis };

        public static TensorIndex None = new() { What = Kind.None };

        public static TensorIndex Null = new() { What = Kind.None };

        public static TensorIndex Colon = new() { What = Kind.Slice };

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new() { What = Kind.Slice, Start = start, Stop = stop, Step = step };

        public static TensorIndex Slice((int?, int?) range) => Slice(range.Item1, range.Item2);

        public static TensorIndex Slice(Range range)
        {
            long? start = range.Start.IsFromEnd ? -range.Start.Value : range.Start.Value;
            long? stop = range.End.IsFromEnd ? (range.End.Value == 0 ? null : -range.End.Value) : range.End.Value;
            return Slice(start, stop);
        }

        public static TensorIndex Bool(bool value) => new() { What = Kind.Bool, Start = value ? 1 : 0 };

        public static TensorIndex Single(long? index) => new() { What = Kind.Single, Start = index };

        public static TensorIndex Tensor(Tensor tensor) => new() { What = Kind.Tensor, Of = tensor };

        public static implicit operator TensorIndex(long value) => Single(value);

        public static implicit operator Tensor(TensorIndex value) => value.What switch
        {
            Kind.Tensor => value.Of,
            Kind.Single => tensor(value.Start.Value),
            _ => throw new InvalidCastException(),
        };

        public static implicit operator TensorIndex((int?, int?) range) => Slice(range);

        public static implicit operator TensorIndex(Range range) => Slice(range);

        public static implicit operator TensorIndex(Index index) => Single(index.IsFromEnd ? -index.Value : index.Value);
    }
}
