using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class OperatorsPerpGradSnippet1
{
    internal static bool Run()
    {
        var w = torch.tensor(new float[] { 1, 0 });
        var g = torch.tensor(new float[] { 3, 4 });

        var p = torch.nn.functional.perp_projection(w, g);                         // 0, 5: orthogonal, of the norm it had
        var bare = torch.nn.functional.perp_projection(w, g, rescale: false);      // 0, 4
        var half = torch.nn.functional.perp_projection(w, g, rescale: false, strength: 0.5); // 1.5, 4

        var zeros = torch.zeros(2);
        var refused = Xunit.Assert.Throws<ArgumentException>(() => torch.optim.PerpGrad(torch.optim.LBFGS([new TorchSharp.Modules.Parameter(torch.ones(2))])));
        return Snippet.Near(p, 0, 5) && Snippet.Near(bare, 0, 4) && Snippet.Near(half, 1.5, 4) && Snippet.Near(torch.nn.functional.perp_projection(zeros, g), 3, 4)
            && Snippet.Near(torch.nn.functional.perp_projection(g, g * 0.1), 0, 0) && Snippet.Near(torch.nn.functional.perp_projection(torch.ones(1), torch.ones(1)), 0)
            && Snippet.Near(torch.nn.functional.perp_projection(w, torch.tensor(new[] { 1, float.NaN })), double.NaN, double.NaN) && refused.Message.StartsWith("'inner'", StringComparison.Ordinal);
    }
}
