using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules
{
    /// <summary>StableMax along one dimension. See <c>torch.nn.functional.stablemax</c>.</summary>
    public sealed class StableMax : nn.Module<Tensor, Tensor>
    {
        internal StableMax(long dim) : base(nameof(StableMax)) => this.dim = dim;

        /// <summary>The dimension that sums to one; negative ones count from the end.</summary>
        public long dim { get; }

        /// <summary>StableMax of the input, of the same shape and dtype.</summary>
        /// <param name="input">The logits.</param>
        public override Tensor forward(Tensor input) => nn.functional.stablemax(input, dim);
    }

    /// <summary>The logarithm of StableMax along one dimension. See <c>torch.nn.functional.log_stablemax</c>.</summary>
    public sealed class LogStableMax : nn.Module<Tensor, Tensor>
    {
        internal LogStableMax(long dim) : base(nameof(LogStableMax)) => this.dim = dim;

        /// <summary>The dimension whose exponentials sum to one; negative ones count from the end.</summary>
        public long dim { get; }

        /// <summary>The logarithm of StableMax of the input, of the same shape and dtype.</summary>
        /// <param name="input">The logits.</param>
        public override Tensor forward(Tensor input) => nn.functional.log_stablemax(input, dim);
    }
}

namespace TorchSharpSoftmax
{
    public static partial class Operators
    {
        extension(nn)
        {
            /// <summary>A module that applies <c>stablemax</c> along a dim.</summary>
            /// <param name="dim">The dimension that sums to one; negative ones count from the end.</param>
            public static Modules.StableMax StableMax(long dim) => new(dim);

            /// <summary>A module that applies <c>log_stablemax</c> along a dim.</summary>
            /// <param name="dim">The dimension whose exponentials sum to one; negative ones count from the end.</param>
            public static Modules.LogStableMax LogStableMax(long dim) => new(dim);
        }
    }
}
