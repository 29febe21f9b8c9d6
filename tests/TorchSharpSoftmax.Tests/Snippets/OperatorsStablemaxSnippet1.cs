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

        var integers = Xunit.Assert.Throws<ArgumentException>(() => torch.nn.functional.stablemax(torch.ones(2, dtype: torch.int64)));
        var bad = torch.tensor(new[] { 0, float.NegativeInfinity, 0, float.PositiveInfinity, 0, float.NaN, float.NegativeInfinity, float.NegativeInfinity }, [4, 2]).requires_grad_();
        var edges = torch.nn.functional.stablemax(bad);
        edges[0].sum().backward();
        const double nan = double.NaN;
        return integers.Message.StartsWith("'input' has dtype", StringComparison.Ordinal) && Snippet.Near(edges, 1, 0, nan, nan, nan, nan, nan, nan) && bad.grad![0][1].item<float>() == 0
            && Snippet.Near(torch.nn.functional.log_stablemax(bad.detach()), 0, double.NegativeInfinity, nan, nan, nan, nan, nan, nan)
            && Snippet.Near(y, 0.5714, 0.2857, 0.1429, 1, 1e-30, 0) && y.bytes.Length == 24 && softmax[1][1].item<float>() == 0 && y[1][1].item<float>() > 0 && Snippet.Near(softmax, 0.6652, 0.2447, 0.0900, 1, 0, 0);
    }
}
