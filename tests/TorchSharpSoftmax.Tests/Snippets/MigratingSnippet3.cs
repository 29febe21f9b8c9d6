using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class MigratingSnippet3
{
    internal static bool Run()
    {
        var logits = torch.randn(16, 10, requires_grad: true);
        var classes = torch.randint(10, [16], dtype: torch.int64);

        var before = torch.nn.functional.cross_entropy(logits, classes, ignore_index: 3, label_smoothing: 0.1);
        var after = torch.nn.functional.collapse_free_cross_entropy(logits, classes, ignore_index: 3, label_smoothing: 0.1);

        return before.allclose(after);
    }
}
