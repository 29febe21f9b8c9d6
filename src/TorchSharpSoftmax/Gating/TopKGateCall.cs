using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The arguments of a top-k gate that are no tensors of the graph, and what it finds outside of that.</summary>
internal sealed class TopKGateCall(GateShape shape, GateRule rule, Tensor? bias, bool statistics)
{
    internal GateShape Shape { get; } = shape;

    internal GateRule Rule { get; } = rule;

    /// <summary>Whether log-sum-exp and mean probability are wanted.</summary>
    internal bool Statistics { get; } = statistics;

    /// <summary>Until forward has run, as the counts: a graph node keeps the call, and would keep the tensors.</summary>
    internal Tensor? Bias { get; set; } = bias;

    /// <summary>[experts], to be filled in.</summary>
    internal Tensor? Counts { get; set; }

    internal bool IsSigmoid => Rule.Mode == TopKGateMode.Sigmoid;

    /// <summary>Whether backward may need every logit's probability.</summary>
    internal bool MayBeDense => Statistics || Rule.Mode == TopKGateMode.Softmax;

    // The one output: the weights, in their shape; with statistics rows of as many, the first of which are the weights, and behind them log-sum-exp and mean probability.

    internal long WeightsEnd => (long)Shape.Tokens * Shape.Kept;

    internal long LseEnd => WeightsEnd + (Statistics ? Shape.Tokens : 0);

    internal long End => LseEnd + (Statistics ? Shape.Experts : 0);

    /// <summary>An output with statistics: its last row may have elements that are nothing.</summary>
    internal long[] PackedShape => [(End + Shape.Kept - 1) / Shape.Kept, Shape.Kept];

    /// <summary>[tokens, kept] of an output.</summary>
    internal Tensor Weights(Tensor packed) => packed.narrow(0, 0, Shape.Tokens);

    /// <summary>[tokens] of an output.</summary>
    internal Tensor Lse(Tensor packed) => packed.as_strided([Shape.Tokens], [1], WeightsEnd);

    /// <summary>[experts] of an output.</summary>
    internal Tensor Mean(Tensor packed) => packed.as_strided([Shape.Experts], [1], LseEnd);
}
