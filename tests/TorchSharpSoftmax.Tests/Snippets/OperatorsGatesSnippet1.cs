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

        const float nan = float.NaN, inf = float.PositiveInfinity;
        using var broken = torch.nn.functional.topk_gate(torch.tensor(new[] { nan, 1, 2, 0, inf, 1, 2, 0, -inf, -inf, -inf, -inf }, [3, 4]), k: 2);
        using var dense = torch.nn.functional.dense_to_sparse_gate(torch.tensor(new[] { 1, 1, -inf, -inf }, [1, 4]), temperature: 1e-3, threshold: 0.9);
        var one = Xunit.Assert.Throws<ArgumentException>(() => torch.nn.TopKGate(in_features: 4, num_experts: 4, k: 1));
        return Snippet.Near(broken.weights, nan, nan, nan, nan, nan, nan) && broken.indices[2][0].item<long>() != broken.indices[2][1].item<long>() && float.IsNaN(broken.mean_probability![3].item<float>())
            && dense.indices[0][0].item<long>() == 0 && dense.weights[0][0].item<float>() == 0.5f && one.Message.StartsWith("'k' is 1", StringComparison.Ordinal)
            && Snippet.Near(kept.weights, 0.7311, 0.2689, 0.5, 0.5) && Snippet.Near(all.weights, 0.6439, 0.2369, 0.25, 0.25) && Snippet.Near(kept.indices, 0, 2, 0, 1) && Snippet.Near(counts, 2, 1, 1, 0);
    }
}
