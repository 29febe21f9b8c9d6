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

        torch.Tensor Gradient(torch.Tensor loss)
        {
            x.grad = null;
            loss.sum().backward();
            return x.grad!;
        }

        torch.Tensor Softmax(long target) => torch.nn.functional.collapse_free_cross_entropy(x, torch.tensor(new[] { target }));
        var refused = Xunit.Assert.Throws<ArgumentOutOfRangeException>(() => Loss(3));
        var probabilities = torch.tensor(new[] { 0.5f, 0.5f, 0 }, [1, 3]);
        return Snippet.Near(first, Math.Log(4.0 / 3)) && float.IsPositiveInfinity(masked.item<float>()) && ignored.item<float>() == 0
            && Gradient(Loss(0))[0][2].item<float>() == 0 && Gradient(Loss(2))[0][2].item<float>() == 0 && Gradient(Softmax(2))[0][2].item<float>() == -1
            && Snippet.Near(Softmax(-100), double.NaN) && Snippet.Near(Gradient(Softmax(-100)), 0, 0, 0) && Snippet.Near(Gradient(Loss(-100)), 0, 0, 0)
            && Snippet.Near(torch.nn.functional.collapse_free_cross_entropy(x, probabilities), 1.1269)
            && float.IsNaN(torch.nn.functional.cross_entropy(x, probabilities).item<float>())
            && refused.Message.StartsWith("'target'", StringComparison.Ordinal);
    }
}
