using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class NumericsSnippet2
{
    internal static bool Run()
    {
        var logits = torch.tensor(new float[] { 40, 0, 0 }, [1, 3], requires_grad: true);
        var target = torch.zeros(1, dtype: torch.int64);

        var theirs = torch.nn.functional.cross_entropy(logits, target);             // 0
        var ours = torch.nn.functional.collapse_free_cross_entropy(logits, target); // 8.5e-18
        double collapsed = torch.nn.utils.softmax_collapse_fraction(logits);        // 1: all rows

        return theirs.item<float>() == 0 && Math.Abs((ours.item<float>() / (2 * Math.Exp(-40))) - 1) < 1e-5 && collapsed == 1;
    }
}
