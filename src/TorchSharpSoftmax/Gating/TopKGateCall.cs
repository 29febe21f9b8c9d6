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

    // The one output: the weights, in their shape; with statistics one row, of weights, log-sum-exp and mean probability.

    internal long WeightsEnd => (long)Shape.Tokens * Shape.Kept;

    internal long LseEnd => WeightsEnd + (Statistics ? Shape.Tokens : 0);

    internal long End => LseEnd + (Statistics ? Shape.Experts : 0);

    /// <summary>[tokens * kept], [tokens] and [experts] of an output with statistics. Their gradients come back as one that was put together once.</summary>
    internal (Tensor Weights, Tensor Lse, Tensor Mean) Parts(Tensor packed)
    {
        long[] sizes = [WeightsEnd, LseEnd - WeightsEnd, End - LseEnd];
        var parts = packed.split(sizes, 0);
        return (parts[0], parts[1], parts[2]);
    }
}
