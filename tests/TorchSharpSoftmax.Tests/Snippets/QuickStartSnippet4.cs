using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class QuickStartSnippet4
{
    internal static bool Run()
    {
        using var model = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2));
        using var optimizer = torch.optim.PerpGrad(torch.optim.AdamW(model.parameters(), lr: 0.02));
        using var loss = torch.nn.StableMaxCrossEntropyLoss();

        var points = torch.rand(256, 2) - 0.5;
        var classes = (points.select(1, 0) * points.select(1, 1) > 0).to_type(torch.ScalarType.Int64); // exclusive or
        var value = 0f;
        for (int step = 0; step < 200; step++)
        {
            using var scope = torch.NewDisposeScope();
            optimizer.zero_grad();
            var l = loss.call(model.call(points), classes);
            l.backward();
            optimizer.step();
            value = l.item<float>();
        }

        using var logits = model.call(points);
        using var right = logits.argmax(1).eq(classes).to_type(torch.ScalarType.Float32).mean();
        return value < 0.62f && right.item<float>() > 0.85f;
    }
}
