using static TorchSharp.torch;

namespace TorchSharpSoftmax.Modules
{
    /// <summary>Softmax along one dimension: a drop-in for <c>TorchSharp.Modules.Softmax</c>. See <c>torch.nn.functional.two_pass_softmax</c>.</summary>
    public sealed class TwoPassSoftmax : nn.Module<Tensor, Tensor>
    {
        internal TwoPassSoftmax(long dim) : base(nameof(TwoPassSoftmax)) => this.dim = dim;

        /// <summary>The dimension that sums to one; negative ones count from the end.</summary>
        public long dim { get; }

        /// <summary>Softmax of the input, of the same shape and dtype.</summary>
        /// <param name="input">The logits.</param>
        public override Tensor forward(Tensor input) => nn.functional.two_pass_softmax(input, dim);
    }

    /// <summary>Log-softmax along one dimension: a drop-in for <c>TorchSharp.Modules.LogSoftmax</c>. See <c>torch.nn.functional.two_pass_log_softmax</c>.</summary>
    public sealed class TwoPassLogSoftmax : nn.Module<Tensor, Tensor>
    {
        internal TwoPassLogSoftmax(long dim) : base(nameof(TwoPassLogSoftmax)) => this.dim = dim;

        /// <summary>The dimension whose exponentials sum to one; negative ones count from the end.</summary>
        public long dim { get; }

        /// <summary>Log-softmax of the input, of the same shape and dtype.</summary>
        /// <param name="input">The logits.</param>
        public override Tensor forward(Tensor input) => nn.functional.two_pass_log_softmax(input, dim);
    }
}

namespace TorchSharpSoftmax
{
    public static partial class Operators
    {
        extension(nn)
        {
            /// <summary>A module that applies <c>two_pass_softmax</c> along a dim.</summary>
            /// <param name="dim">The dimension that sums to one; negative ones count from the end.</param>
            public static Modules.TwoPassSoftmax TwoPassSoftmax(long dim) => new(dim);

            /// <summary>A module that applies <c>two_pass_log_softmax</c> along a dim.</summary>
            /// <param name="dim">The dimension whose exponentials sum to one; negative ones count from the end.</param>
            public static Modules.TwoPassLogSoftmax TwoPassLogSoftmax(long dim) => new(dim);
        }
    }
}
