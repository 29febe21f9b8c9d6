using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>
/// The reduced loss of a head. Its forward computes the gradients too, for an upstream gradient of 1, and saves them beside its inputs; the first backward scales them
/// in place. They are never scaled twice: they may be in the caller's hands by then, so that another upstream gradient takes copies, or has everything computed again.
/// </summary>
internal sealed class CutCrossEntropyInForwardFunction : KernelFunction<CutCrossEntropyInForwardFunction, CutCrossEntropyCall>
{
    internal static Tensor Apply(CutCrossEntropyCall call, params ReadOnlySpan<Tensor> tensors) => Run(call, tensors);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, CutCrossEntropyCall options, List<Tensor>? saved)
    {
        var given = inputs.ToArray();
        var wanted = Array.ConvertAll(given, tensor => tensor.requires_grad);
        using (var tensors = new CutCrossEntropyTensors(given, options))
        {
            var gradients = CutCrossEntropyPasses.Both(tensors, options, wanted);
            saved!.AddRange(given);
            foreach (var gradient in (Tensor?[])[gradients.Input, gradients.Weight, gradients.Bias])
            {
                if (gradient is not null)
                {
                    saved.Add(gradient);
                }
            }
        }

        using var results = CutCrossEntropyFound.FromState(options);
        var found = CutCrossEntropyFound.Of(results, options);
        var loss = found.Reduced(options, given[CutCrossEntropyCall.Input].dtype);
        found.Dispose();
        return loss;
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, CutCrossEntropyCall options, Gradients gradients)
    {
        if (is_grad_enabled())
        {
            var dtype = saved[CutCrossEntropyCall.Input].dtype;
            CutCrossEntropyComposed.Gradients(gradient, saved, options, gradients, found => found.Reduced(options, dtype));
            return;
        }

        using var wide = gradient.to_type(ScalarType.Float64);
        double upstream = wide.item<double>();
        lock (options.State)
        {
            options.State.Scaled ??= First(upstream, saved, options);
            if (options.State.Scaled.Value.Equals(upstream))
            {
                Give(saved, options, gradients, tensor => tensor);
                return;
            }

            if (options.State.Scaled.Value == 1) // they are as forward left them
            {
                Give(saved, options, gradients, tensor => Scaled(tensor, upstream));
                return;
            }
        }

        using var tensors = new CutCrossEntropyTensors([.. saved.Take(options.Tensors)], options);
        var computed = CutCrossEntropyPasses.Both(tensors, options, CutCrossEntropyFunction.Wanted(options, gradients));
        computed.Scale(upstream);
        CutCrossEntropyFunction.Give(computed, options, gradients);
    }

    private static double First(double upstream, IReadOnlyList<Tensor> saved, CutCrossEntropyCall call)
    {
        for (int i = call.Tensors; i < saved.Count; i++)
        {
            CutCrossEntropyGradientTensors.Scale(saved[i], upstream);
        }

        return upstream;
    }

    private static Tensor Scaled(Tensor gradient, double upstream)
    {
        var copy = Memory.FreshCopy(gradient);
        CutCrossEntropyGradientTensors.Scale(copy, upstream);
        return copy;
    }

    private static void Give(IReadOnlyList<Tensor> saved, CutCrossEntropyCall call, Gradients gradients, Func<Tensor, Tensor> of)
    {
        int next = call.Tensors;
        foreach (int input in (int[])[CutCrossEntropyCall.Input, CutCrossEntropyCall.Weight, call.Bias])
        {
            if (input >= 0 && gradients.Wants(input))
            {
                gradients[input] = of(saved[next++]);
            }
        }
    }
}
