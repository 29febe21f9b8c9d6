using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The rule of the projection: a kernel forward, whose derivative is made of tensor operators, so that it has derivatives itself.</summary>
internal sealed class PerpProjectionFunction : KernelFunction<PerpProjectionFunction, PerpGradOptions>
{
    internal static Tensor Apply(Tensor weight, Tensor grad, PerpGradOptions options)
    {
        if (grad.numel() == 0)
        {
            return grad.clone();
        }

        return Dtype.HasKernel(grad) ? Run(options, weight, grad) : PerpProjectionComposed.Project(weight, grad, options);
    }

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, PerpGradOptions options, List<Tensor>? saved)
    {
        var (weight, grad) = (inputs[0], inputs[1]);
        saved?.AddRange([weight, grad]);
        if (PerpGradPair.LieAlike(weight, grad))
        {
            var y = Memory.Fresh(grad);
            Dtype.Run(grad.dtype, new PerpGradCall(weight, grad, y, options));
            return y;
        }

        var contiguous = Memory.Contiguous(weight);
        var copy = Memory.FreshCopy(grad);
        Dtype.Run(grad.dtype, new PerpGradCall(contiguous, copy, copy, options));
        Memory.Release(contiguous, weight);
        return copy;
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, PerpGradOptions options, Gradients gradients)
    {
        var (ofWeight, ofGrad) = PerpProjectionComposed.Differentiate(saved[0], saved[1], gradient, options);
        gradients[0] = ofWeight;
        gradients[1] = ofGrad;
    }
}
