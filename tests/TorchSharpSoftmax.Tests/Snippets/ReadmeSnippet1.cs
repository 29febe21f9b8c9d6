using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class ReadmeSnippet1
{
    internal static bool Run()
    {
        var x = torch.randn(4, 5, dtype: torch.float64, requires_grad: true);

        var y = torch.nn.functional.two_pass_softmax(x, dim: -1);   // softmax, in two passes over memory
        var softmax = torch.nn.TwoPassSoftmax(dim: -1);             // the same as a module
        bool right = torch.autograd.gradcheck(softmax.forward, x);  // checks gradients: ours here, and your own

        using var same = softmax.call(x);
        return right && y.allclose(same);
    }
}
