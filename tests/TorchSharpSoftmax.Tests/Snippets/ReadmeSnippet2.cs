using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class ReadmeSnippet2
{
    internal static bool Run()
    {
        var model = torch.nn.Linear(10, 3);
        var optimizer = torch.optim.PerpGrad(torch.optim.AdamW(model.parameters(), lr: 0.01)); // gradients without their part along the weights
        var loss = torch.nn.StableMaxCrossEntropyLoss();                                       // the arguments of CrossEntropyLoss

        loss.call(model.call(torch.randn(8, 10)), torch.randint(3, [8], dtype: torch.int64)).backward();
        optimizer.step();

        // Adam's first step is lr along the signs, which tells the weights before it: the gradient was orthogonal to those.
        using var gradient = model.weight.grad!;
        using var before = model.weight.detach() + 0.01 * gradient / (gradient.abs() + 1e-8);
        return (gradient * before).sum().abs().item<float>() <= 1e-5 * gradient.norm().item<float>() * before.norm().item<float>();
    }
}
