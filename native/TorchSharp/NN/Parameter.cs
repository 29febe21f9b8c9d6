using static TorchSharp.torch;

namespace TorchSharp.Modules
{
    /// <summary>
    /// A tensor that a module registers as one of its parameters. It takes over the handle of <c>data</c>, which becomes invalid.
    /// As in TorchSharp, <c>Tensor.TotalCount</c> goes on counting <c>data</c>.
    /// </summary>
    public class Parameter : Tensor
    {
        public Parameter(Tensor data, bool requires_grad = true)
            : base(data.with_requires_grad(requires_grad).MoveHandle(), false)
        {
            DisposeScope.ReplaceWith(data, this);
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Modules.Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
        }
    }
}
