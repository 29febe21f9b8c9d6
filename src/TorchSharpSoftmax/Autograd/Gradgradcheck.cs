using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>A gradient check of a function's gradient.</summary>
internal static class Gradgradcheck
{
    internal static bool Run(Func<Tensor[], Tensor[]> function, Tensor[] inputs, Tensor[]? gradOutputs, bool scattered, GradcheckOptions options)
    {
        function = GradcheckArguments.Checked(function, inputs, options);
        using var normal = inference_mode(false);
        using var grad = enable_grad();
        using var scope = NewDisposeScope();
        var outputs = Gradcheck.Differentiable(function(inputs));
        if (gradOutputs is null)
        {
            var random = new Random(1); // not torch's: a check must not change what the program draws next
            gradOutputs = Array.ConvertAll(outputs, output => Upstream(output, random, scattered));
        }
        else if (gradOutputs.Length != outputs.Length)
        {
            throw new ArgumentException(
                $"'grad_outputs' has {gradOutputs.Length} tensors; {outputs.Length} are required, one for each differentiable output.", nameof(gradOutputs));
        }

        for (int o = 0; o < outputs.Length; o++)
        {
            Check.Alive(gradOutputs[o], $"grad_outputs[{o}]");
            Check.Dtype(gradOutputs[o], outputs[o].dtype, $"grad_outputs[{o}]");
            Check.Shape(gradOutputs[o], outputs[o], $"grad_outputs[{o}]");
        }

        int count = inputs.Length;
        return Gradcheck.Run(arguments => Gradients(function, arguments[..count], arguments[count..]), [.. inputs, .. gradOutputs], options);
    }

    private static Tensor[] Gradients(Func<Tensor[], Tensor[]> function, Tensor[] inputs, Tensor[] gradOutputs)
    {
        var outputs = Gradcheck.Differentiable(function(inputs));
        var wanted = Array.FindAll(inputs, input => input.requires_grad);
        var gradients = Jacobian.Backward(outputs, gradOutputs, wanted, createGraph: true, "the function under create_graph");
        return [.. gradients.Where(gradient => gradient is not null).Select(gradient => gradient!)];
    }

    /// <summary>Random numbers with a sign, none close to zero, in every second place of their memory where asked for.</summary>
    private static Tensor Upstream(Tensor output, Random random, bool scattered)
    {
        var values = new double[output.numel()];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (0.25 + random.NextDouble()) * (random.Next(2) == 0 ? -1 : 1);
        }

        var gradient = ElementAccess.FromValues(values, output);
        if (scattered && output.ndim > 0)
        {
            var spread = empty_strided(gradient.shape, Array.ConvertAll(gradient.stride(), stride => 2 * stride), gradient.dtype, gradient.device);
            Memory.Discard(spread, spread.copy_(gradient));
            gradient = spread;
        }

        return gradient.requires_grad_();
    }
}
