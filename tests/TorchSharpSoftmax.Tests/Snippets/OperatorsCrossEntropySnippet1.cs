using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class OperatorsCrossEntropySnippet1
{
    internal static bool Run()
    {
        var x = torch.tensor(new[] { 2, 0, float.NegativeInfinity }, [1, 3], requires_grad: true);
        torch.Tensor Loss(long target) =>
            torch.nn.functional.stablemax_cross_entropy(x, torch.tensor(new[] { target }), reduction: torch.nn.Reduction.None);

        var first = Loss(0);        // log(4 / 3)
        var masked = Loss(2);       // +inf
        var ignored = Loss(-100);   // 0

        return Snippet.Near(first, Math.Log(4.0 / 3)) && float.IsPositiveInfinity(masked.item<float>()) && ignored.item<float>() == 0;
    }
}
