using TorchSharp;
using static TorchSharpSoftmax.Operators;

namespace TorchSharpSoftmax.Tests;

/// <summary>The bare name: what <c>using static TorchSharpSoftmax.Operators</c> gives.</summary>
internal static class BareSpelling
{
    internal static torch.Tensor Softmax(torch.Tensor x) => two_pass_softmax(x, 1);
}
