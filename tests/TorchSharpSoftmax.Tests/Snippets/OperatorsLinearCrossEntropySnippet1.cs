using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class OperatorsLinearCrossEntropySnippet1
{
    internal static bool Run()
    {
        var head = torch.nn.Linear(32, 1_000);
        var hidden = torch.randn(2, 16, 32, requires_grad: true);
        var words = torch.randint(1_000, [2, 16], dtype: torch.int64);

        // each word is to predict the next one; 2 * 15 of them have a next one
        using var loss = torch.nn.functional.linear_cross_entropy(hidden, head.weight, words, head.bias, options: new() { shift = 1, z_loss = 1e-4 });
        loss.backward();

        // more from the same pass
        using var found = torch.nn.functional.linear_cross_entropy_outputs(
            hidden, head.weight, words, LinearCrossEntropyResults.LogSumExp | LinearCrossEntropyResults.Entropy | LinearCrossEntropyResults.Argmax, head.bias);
        var entropy = found.entropy;        // of each token's probabilities
        double accuracy = found.accuracy;   // share of tokens whose likeliest class is the target

        using var gradient = hidden.grad!;
        return found.lse!.shape.SequenceEqual([2, 16]) && entropy!.min().item<float>() > 6 && accuracy is >= 0 and <= 1 && found.argmax is not null && found.nll is null
            && gradient.select(1, 15).abs().max().item<float>() == 0 && gradient.select(1, 14).abs().max().item<float>() > 0 && Edges(head, hidden, words);
    }

    /// <summary>What the page says of targets that do not count.</summary>
    private static bool Edges(TorchSharp.Modules.Linear head, torch.Tensor hidden, torch.Tensor words)
    {
        var none = torch.full_like(words, -100);
        hidden.grad = null;
        var mean = torch.nn.functional.linear_cross_entropy(hidden, head.weight, none, head.bias);
        mean.backward();
        var sum = torch.nn.functional.linear_cross_entropy(hidden, head.weight, none, head.bias, reduction: torch.nn.Reduction.Sum);
        var zero = torch.nn.functional.linear_cross_entropy(hidden, head.weight, none, head.bias, options: new() { all_ignored = LinearCrossEntropyAllIgnored.Zero });
        var refused = Xunit.Assert.Throws<ArgumentOutOfRangeException>(() => torch.nn.functional.linear_cross_entropy(hidden, head.weight, words + 1_000, head.bias));
        var bias = torch.zeros(1_000);
        bias[7] = float.NegativeInfinity;
        var masked = torch.nn.functional.linear_cross_entropy(hidden, head.weight, torch.full_like(words, 7), bias);
        var others = torch.nn.functional.linear_cross_entropy(hidden, head.weight, torch.full_like(words, 8), bias);
        return float.IsNaN(mean.item<float>()) && hidden.grad!.abs().max().item<float>() == 0 && sum.item<float>() == 0 && zero.item<float>() == 0
            && float.IsPositiveInfinity(masked.item<float>()) && float.IsFinite(others.item<float>()) && refused.Message.StartsWith("'target'", StringComparison.Ordinal);
    }
}
