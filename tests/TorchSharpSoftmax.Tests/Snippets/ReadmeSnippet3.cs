using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class ReadmeSnippet3
{
    internal static bool Run()
    {
        var head = torch.nn.Linear(64, 30_000);
        var (hidden, next) = (torch.randn(4, 32, 64, requires_grad: true), torch.randint(30_000, [4, 32], dtype: torch.int64));

        using var loss = torch.nn.functional.linear_cross_entropy(hidden, head.weight, next, head.bias); // cross_entropy(linear(hidden, ...), next)
        loss.backward();                                                                                  // computed beside the loss already

        using var gradient = hidden.grad!;
        using var x = hidden.detach().requires_grad_();
        using var logits = torch.nn.functional.linear(x, head.weight.detach(), head.bias!.detach());
        using var theirs = torch.nn.functional.cross_entropy(logits.reshape(-1, 30_000), next.reshape(-1));
        theirs.backward();
        using var difference = (gradient - x.grad!).abs().max();
        using var size = x.grad!.abs().max();
        return Math.Abs(theirs.item<float>() - loss.item<float>()) < 1e-5 && difference.item<float>() < 1e-5 * size.item<float>();
    }
}
