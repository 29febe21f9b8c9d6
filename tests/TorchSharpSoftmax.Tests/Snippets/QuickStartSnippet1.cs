using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class QuickStartSnippet1
{
    internal static bool Run()
    {
        var x = torch.tensor(new float[] { 1, 2, 3, 1, 1, 1 }, [2, 3]);

        var p = torch.nn.functional.two_pass_softmax(x, dim: -1);      // 0.09 0.24 0.67, 0.33 0.33 0.33
        var q = torch.nn.functional.stablemax(x, dim: -1);             // 0.22 0.33 0.44, 0.33 0.33 0.33
        var lse = torch.nn.functional.two_pass_logsumexp(x, dim: -1);  // 3.41, 2.10

        return Snippet.Near(p, 0.0900, 0.2447, 0.6652, 0.3333, 0.3333, 0.3333) && Snippet.Near(q, 0.2222, 0.3333, 0.4444, 0.3333, 0.3333, 0.3333) && Snippet.Near(lse, 3.4076, 2.0986);
    }
}
