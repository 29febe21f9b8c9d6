using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The weight itself on the way forward, the projection of its gradient on the way back.</summary>
internal sealed class PerpGradFunction : KernelFunction<PerpGradFunction, PerpGradOptions>
{
    internal static Tensor Apply(Tensor weight, PerpGradOptions options) => Run(options, weight);

    protected override bool GivesItsInput => true;

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, PerpGradOptions options, List<Tensor>? saved)
    {
        if (saved is null)
        {
            return inputs[0].detach(); // an alias would require grad because the weight does, whatever the mode
        }

        saved.Add(inputs[0]);
        return inputs[0].alias();
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, PerpGradOptions options, Gradients gradients) =>
        gradients[0] = PerpProjectionFunction.Apply(saved[0], gradient, options);
}
