using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class OperatorsGatesSnippet2
{
    internal static bool Run()
    {
        var tokens = torch.tensor(new float[] { 10, 20, 30 }, [3, 1]);
        var indices = torch.tensor(new long[] { 1, 0, 1 }, [3, 1]);      // the expert of each token

        using var groups = torch.nn.functional.expert_permutation(indices, num_experts: 2);
        var rows = groups.permute(tokens);                                // 20, 10, 30: expert 0's rows first
        var back = groups.unpermute(rows);                                // 10, 20, 30

        return Snippet.Near(rows, 20, 10, 30) && Snippet.Near(back, 10, 20, 30);
    }
}
