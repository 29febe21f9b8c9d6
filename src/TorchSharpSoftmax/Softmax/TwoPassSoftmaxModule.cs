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

        extension(nn.Module model)
        {
            /// <summary>Puts <c>TwoPassSoftmax</c> and <c>TwoPassLogSoftmax</c> in the place of each <c>Softmax</c> and <c>LogSoftmax</c> that is registered below a model.</summary>
            /// <remarks>
            /// <para>Names, their order, keys of the state, dims, training modes and hooks stay. The hooks are shared with the module that went, so what removes them still does;
            /// their first argument is the module that came. A second call finds nothing more to replace.</para>
            /// <para>A module is replaced where its owner holds it in fields, in arrays or lists that are fields, or in itself, as <c>Sequential</c>, <c>ModuleList</c> and
            /// <c>ModuleDict</c> do. Where one of these is declared as <c>Softmax</c>, where the model itself is the softmax, or where nothing that can be written holds it, it
            /// stays, with the reason. References from elsewhere, as in closures, are not seen; nor is a call of <c>torch.nn.functional.softmax</c>.</para>
            /// </remarks>
            /// <returns>Each place where such a module is registered: what stands there now, and why where it is still TorchSharp's.</returns>
            /// <exception cref="ArgumentNullException">The model is null.</exception>
            /// <exception cref="ArgumentException">The model has been disposed.</exception>
            public SoftmaxReplacements UseTwoPassSoftmax()
            {
                Check.Alive(model, nameof(model));
                return SoftmaxReplacer.Run(model);
            }
        }
    }
}
