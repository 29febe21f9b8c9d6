using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class OperatorsSoftmaxSnippet1
{
    internal static bool Run()
    {
        const float inf = float.PositiveInfinity;
        var x = torch.tensor(new[] { 0, -inf, 0, -inf, -inf, -inf, 0, inf, 0 }, [3, 3]);

        var y = torch.nn.functional.two_pass_softmax(x);              // 0.5 0 0.5, NaN NaN NaN, NaN NaN NaN
        var log = torch.nn.functional.two_pass_log_softmax(x);        // -0.69 -inf -0.69, NaN NaN NaN, NaN NaN NaN
        var lse = torch.nn.functional.two_pass_logsumexp(x, dim: 1);  // 0.69, -inf, +inf

        torch.nn.functional.two_pass_softmax(x, dim: 0, @out: x);     // over x itself, along the other dim

        const float nan = float.NaN;
        return Snippet.Near(y, 0.5, 0, 0.5, nan, nan, nan, nan, nan, nan) && Snippet.Near(log, -0.6931, -inf, -0.6931, nan, nan, nan, nan, nan, nan) && Snippet.Near(lse, 0.6931, -inf, inf)
            && Snippet.Near(x.sum(1), nan, nan, nan) && !x.bytes.SequenceEqual(y.bytes)
            && Snippet.Near(torch.nn.functional.two_pass_logsumexp(torch.zeros(2, 0), dim: 1), -inf, -inf) && torch.nn.functional.two_pass_softmax(torch.zeros(2, 0)).shape.SequenceEqual([2, 0])
            && Snippet.Near(torch.nn.functional.two_pass_softmax(torch.full([2, 1], 7f)), 1, 1) && Snippet.Near(torch.nn.functional.two_pass_log_softmax(torch.full([2, 1], 7f)), 0, 0)
            && Snippet.Near(torch.nn.functional.two_pass_logsumexp(torch.full([2, 1], 7f), dim: 1), 7, 7);
    }
}
