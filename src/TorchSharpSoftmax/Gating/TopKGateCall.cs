using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The arguments of a top-k gate that are no logits, and what it finds outside the graph.</summary>
internal sealed class TopKGateCall(GateShape shape, GateRule rule, Tensor? bias, bool statistics)
{
    internal GateShape Shape { get; } = shape;

    internal GateRule Rule { get; } = rule;

    /// <summary>Whether log-sum-exp and mean probability are wanted.</summary>
    internal bool Statistics { get; } = statistics;

    /// <summary>Until forward has run: a graph node keeps the call, and would keep the tensor.</summary>
    internal Tensor? Bias { get; set; } = bias;

    /// <summary>[tokens, kept]; the caller takes it after the call.</summary>
    internal Tensor? Indices { get; set; }

    internal Tensor? Counts { get; set; }

    internal bool IsSigmoid => Rule.Mode == TopKGateMode.Sigmoid;

    /// <summary>Whether backward may need every logit's probability.</summary>
    internal bool MayBeDense => Statistics || Rule.Mode == TopKGateMode.Softmax;

    // The one output: weights, then log-sum-exp, then mean probability.

    internal long WeightsEnd => (long)Shape.Tokens * Shape.Kept;

    internal long LseEnd => WeightsEnd + (Statistics ? Shape.Tokens : 0);

    internal long End => LseEnd + (Statistics ? Shape.Experts : 0);

    /// <summary>[tokens, kept] of a packed tensor.</summary>
    internal Tensor Weights(Tensor packed) => Part(packed, 0, WeightsEnd, [Shape.Tokens, Shape.Kept]);

    internal Tensor Lse(Tensor packed) => Part(packed, WeightsEnd, LseEnd, [Shape.Tokens]);

    internal Tensor Mean(Tensor packed) => Part(packed, LseEnd, End, [Shape.Experts]);

    private static Tensor Part(Tensor packed, long start, long end, long[] shape)
    {
        using var part = packed.narrow(0, start, end - start);
        return part.reshape(shape);
    }
}
