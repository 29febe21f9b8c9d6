using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The identity, whose gradient is undefined: what lies before it must take that for zero.</summary>
internal sealed class UndefinedGradFunction : KernelFunction<UndefinedGradFunction, ValueTuple>
{
    internal static Tensor Apply(Tensor x) => Run(default, x);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, ValueTuple options, List<Tensor>? saved) => inputs[0].clone();

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, ValueTuple options, Gradients gradients)
    {
    }
}
