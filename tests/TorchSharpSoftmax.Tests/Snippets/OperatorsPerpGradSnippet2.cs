using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class OperatorsPerpGradSnippet2
{
    internal static bool Run()
    {
        var model = torch.nn.Linear(4, 3);
        var (x, classes) = (torch.randn(8, 4), torch.randint(3, [8], dtype: torch.int64));
        var logits = model.call(x);
        torch.nn.functional.cross_entropy(logits, classes).backward();

        double collapsed = torch.nn.utils.softmax_collapse_fraction(logits);             // rows whose largest logit has absorbed all others
        double zero = torch.nn.utils.zero_loss_fraction(logits, classes);                // samples that teach nothing any more
        var cosines = torch.nn.utils.naive_loss_minimization_cosine(model.parameters()); // near 1: the optimizer only scales the weights

        return collapsed == 0 && zero == 0 && cosines.Count == 2 && cosines.All(cosine => Math.Abs(cosine) <= 1);
    }
}
