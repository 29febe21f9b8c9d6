using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class OperatorsStablemaxSnippet1
{
    internal static bool Run()
    {
        var x = torch.tensor(new float[] { 1, 0, -1, 1e30f, 0, -1e30f }, [2, 3]);

        var y = torch.nn.functional.stablemax(x);            // 0.57 0.29 0.14, 1 1e-30 0
        var softmax = torch.nn.functional.softmax(x, dim: 1); // 0.67 0.24 0.09, 1 0 0

        return Snippet.Near(y, 0.5714, 0.2857, 0.1429, 1, 1e-30, 0) && y.bytes.Length == 24 && softmax[1][1].item<float>() == 0 && y[1][1].item<float>() > 0 && Snippet.Near(softmax, 0.6652, 0.2447, 0.0900, 1, 0, 0);
    }
}
