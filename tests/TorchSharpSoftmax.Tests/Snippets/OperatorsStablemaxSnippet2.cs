using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class OperatorsStablemaxSnippet2
{
    internal static bool Run()
    {
        var masked = torch.tensor(new float[] { 1, -1e4f });
        var y = torch.nn.functional.stablemax(masked);      // 0.99995, 0.00005: not masked

        return Snippet.Near(y, 0.99995, 0.00005) && y[1].item<float>() > 4e-5f;
    }
}
