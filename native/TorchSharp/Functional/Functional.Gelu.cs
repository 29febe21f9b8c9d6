using TorchSharp.Modules;
using static TorchSharp.Interop.Native;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor gelu(GELU.Approximate approximate) => Call("gelu", this, approximate.ToString());

        public Tensor gelu_(GELU.Approximate approximate) => Call("gelu_", this, approximate.ToString());
    }

    public static partial class nn
    {
        public static partial class functional
        {
            public static Tensor gelu(Tensor x, GELU.Approximate approximate, bool inplace = false) =>
                inplace ? x.gelu_(approximate).alias() : x.gelu(approximate);
        }
    }
}
