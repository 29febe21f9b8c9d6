using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class GradientCheckingSnippet1
{
    internal static bool Run()
    {
        var x = torch.randn(3, 4, dtype: torch.float64, requires_grad: true);
        var w = torch.randn(5, 4, dtype: torch.float64, requires_grad: true);

        bool first = torch.autograd.gradcheck(inputs => torch.nn.functional.linear(inputs[0], inputs[1]).tanh(), [x, w]);
        bool second = torch.autograd.gradgradcheck(inputs => torch.nn.functional.linear(inputs[0], inputs[1]).tanh(), [x, w]);

        return first && second;
    }
}
