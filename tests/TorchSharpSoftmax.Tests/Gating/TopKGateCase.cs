using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>One way to call a top-k gate, and the same by libtorch's operators.</summary>
public sealed record TopKGateCase(TopKGateMode Mode, long K = 3, bool Biased = false, long Groups = 1, long KeptGroups = 1, double Scale = 1)
{
    internal const long Experts = 12;

    internal static TopKGateCase[] All { get; } =
    [
        new(TopKGateMode.KeptSoftmax), new(TopKGateMode.KeptSoftmax, Experts), new(TopKGateMode.Softmax), new(TopKGateMode.Softmax, 1), new(TopKGateMode.SoftmaxRenormalized, 2),
        new(TopKGateMode.Sigmoid), new(TopKGateMode.Sigmoid, 2, Biased: true, Scale: 2.5), new(TopKGateMode.Sigmoid, 4, Biased: true, Groups: 4, KeptGroups: 2),
    ];

    /// <summary>Numbers of which no two in a row are near to each other, so that no difference of finite size changes what is chosen.</summary>
    internal static Tensor Apart(Random random, long[] shape, ScalarType dtype)
    {
        long experts = shape[^1], tokens = shape.Aggregate(1L, (a, b) => a * b) / experts;
        var values = new double[tokens * experts];
        for (long t = 0; t < tokens; t++)
        {
            int[] order = [.. Enumerable.Range(0, (int)experts)];
            random.Shuffle(order);
            for (int e = 0; e < experts; e++)
            {
                values[(t * experts) + e] = ((order[e] + (0.4 * random.NextDouble())) * 0.5) - 3;
            }
        }

        return tensor(values, shape, dtype);
    }

    /// <summary>A bias for experts, or null.</summary>
    internal Tensor? Bias(ScalarType dtype)
    {
        double[] values = [.. Enumerable.Range(0, (int)Experts).Select(e => 0.03 * ((e * 7 % 12) - 5))];
        return Biased ? tensor(values, [Experts], dtype) : null;
    }

    internal TopKGateOutputs Of(Tensor logits, bool statistics = true)
    {
        using var bias = Bias(ScalarType.Float64);
        return nn.functional.topk_gate(logits, K, Mode, bias, Groups, KeptGroups, Scale, statistics);
    }

    /// <summary>From libtorch's operators alone, in the dtype of the logits; what is chosen is given.</summary>
    internal (Tensor Weights, Tensor Lse, Tensor Mean) Reference(Tensor logits, Tensor indices)
    {
        var s = logits.sigmoid();
        var p = logits.softmax(-1);
        var chosen = s.gather(-1, indices);
        var weights = Mode switch
        {
            TopKGateMode.Softmax => p.gather(-1, indices),
            TopKGateMode.SoftmaxRenormalized => p.gather(-1, indices) / p.gather(-1, indices).sum(-1, keepdim: true),
            TopKGateMode.Sigmoid => chosen / chosen.sum(-1, keepdim: true) * Scale,
            _ => logits.gather(-1, indices).softmax(-1),
        };
        var shares = Mode == TopKGateMode.Sigmoid ? s / s.sum(-1, keepdim: true) : p;
        return (weights, logits.logsumexp(-1), shares.reshape(-1, logits.shape[^1]).mean([0L]));
    }
}
