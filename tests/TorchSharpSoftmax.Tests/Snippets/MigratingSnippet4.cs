using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class MigratingSnippet4
{
    internal static bool Run()
    {
        var head = torch.nn.Linear(32, 5_000);
        var hidden = torch.randn(2, 20, 32);
        var next = torch.randint(5_000, [2, 20], dtype: torch.int64);

        // before: logits of [2, 20, 5000], and classes in dim 1
        var logits = head.call(hidden);
        var before = torch.nn.functional.cross_entropy(logits.transpose(1, 2), next);

        // after: classes are never among the dims, so nothing is transposed
        var after = torch.nn.functional.linear_cross_entropy(hidden, head.weight, next, head.bias);

        return before.allclose(after);
    }
}
