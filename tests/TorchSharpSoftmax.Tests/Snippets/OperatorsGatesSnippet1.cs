using TorchSharp;
using TorchSharpSoftmax;
using TorchSharpSoftmax.Kernels;

namespace Snippets;

internal static class OperatorsGatesSnippet1
{
    internal static bool Run()
    {
        var logits = torch.tensor(new float[] { 3, 1, 2, 0, 5, 5, 5, 5 }, [2, 4]);

        using var kept = torch.nn.functional.topk_gate(logits, k: 2);                              // indices 0 2, 0 1; weights 0.73 0.27, 0.5 0.5
        using var all = torch.nn.functional.topk_gate(logits, k: 2, mode: TopKGateMode.Softmax);   // weights 0.64 0.24, 0.25 0.25
        var counts = kept.counts;                                                                  // 2 1 1 0

        return Snippet.Near(kept.weights, 0.7311, 0.2689, 0.5, 0.5) && Snippet.Near(all.weights, 0.6439, 0.2369, 0.25, 0.25) && Snippet.Near(kept.indices, 0, 2, 0, 1) && Snippet.Near(counts, 2, 1, 1, 0);
    }
}
