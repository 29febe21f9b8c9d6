using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class GradientCheckingSnippet4
{
    internal static bool Run()
    {
        var x = torch.randn(4, dtype: torch.float64, requires_grad: true);
        bool right = torch.autograd.gradcheck(x => CubeFunction.apply(x), x)
            && torch.autograd.gradgradcheck(x => CubeFunction.apply(x), x);

        return right;
    }
}
