using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>
/// The reduced loss of a head. Its forward computes the gradients too, for an upstream gradient of 1, and saves them beside its inputs; the first backward scales them
/// in place and gives them away. By the next one they may be a parameter's <c>grad</c>, zeroed or added to: it computes everything again.
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
        if (options.State.GiveAway())
        {
            Give(upstream, saved, options, gradients);
            return;
        }

        using var tensors = new CutCrossEntropyTensors([.. saved.Take(options.Tensors)], options);
        var computed = CutCrossEntropyPasses.Both(tensors, options, CutCrossEntropyFunction.Wanted(options, gradients));
        computed.Scale(upstream);
        CutCrossEntropyFunction.Give(computed, options, gradients);
    }

    private static void Give(double upstream, IReadOnlyList<Tensor> saved, CutCrossEntropyCall call, Gradients gradients)
    {
        int next = call.Tensors;
        foreach (int input in (int[])[CutCrossEntropyCall.Input, CutCrossEntropyCall.Weight, call.Bias])
        {
            if (input >= 0 && gradients.Wants(input))
            {
                CutCrossEntropyGradientTensors.Scale(saved[next], upstream);
                gradients[input] = Memory.Unversioned(saved[next++]);
            }
        }
    }
}
