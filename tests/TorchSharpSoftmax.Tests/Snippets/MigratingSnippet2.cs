using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class MigratingSnippet2
{
    internal static bool Run()
    {
        var scores = torch.randn(2, 4, 4);

        var before = torch.nn.functional.softmax(scores, dim: -1);
        var after = torch.nn.functional.two_pass_softmax(scores, dim: -1);

        var moduleBefore = torch.nn.LogSoftmax(-1);
        var moduleAfter = torch.nn.TwoPassLogSoftmax(-1);

        return before.allclose(after) && moduleBefore.call(scores).allclose(moduleAfter.call(scores));
    }
}
