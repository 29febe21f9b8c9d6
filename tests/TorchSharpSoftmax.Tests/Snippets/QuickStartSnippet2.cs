using TorchSharp;
using TorchSharpSoftmax;
using static TorchSharpSoftmax.Operators;

namespace Snippets;

internal static class QuickStartSnippet2
{
    internal static bool Run()
    {
        var x = torch.randn(2, 3);
        var bare = two_pass_softmax(x, dim: 1);
        var full = Operators.two_pass_softmax(x, dim: 1);

        return bare.allclose(full) && bare.allclose(x.softmax(1));
    }
}
