using TorchSharp.Modules;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The projection of parameters' gradients where they lie.</summary>
internal static class PerpGradInPlace
{
    /// <summary>All gradients are checked before the first is written.</summary>
    internal static void Project(IEnumerable<Parameter> parameters, PerpGradOptions options, Func<Parameter, bool>? filter)
    {
        using var noGrad = no_grad();
        var pairs = new List<(Tensor Weight, Tensor Grad)>();
        try
        {
            int index = 0;
            foreach (var parameter in parameters)
            {
                Add(pairs, parameter, filter, index++);
            }

            if (options.Rule.Strength == 0)
            {
                return;
            }

            if (options.Granularity == PerpGradGranularity.Global)
            {
                Together(pairs, options.Rule);
                return;
            }

            foreach (var (weight, grad) in pairs)
            {
                Alone(weight, grad, options);
            }
        }
        finally
        {
            foreach (var (_, grad) in pairs)
            {
                grad.Dispose();
            }
        }
    }

    private static void Add(List<(Tensor Weight, Tensor Grad)> pairs, Parameter parameter, Func<Parameter, bool>? filter, int index)
    {
        if (parameter is null or { IsInvalid: true })
        {
            Check.Alive(parameter, $"parameters[{index}]");
        }

        if (!(filter?.Invoke(parameter) ?? parameter.numel() != 1))
        {
            return;
        }

        var grad = parameter.grad;
        if (grad is null)
        {
            return;
        }

        pairs.Add((parameter, grad)); // disposed from here on, whatever the check says
        PerpGradOptions.CheckPair(parameter, grad, $"parameters[{index}]", $"parameters[{index}].grad");
        if (grad.numel() == 0)
        {
            grad.Dispose();
            pairs.RemoveAt(pairs.Count - 1);
        }
    }

    private static void Alone(Tensor weight, Tensor grad, PerpGradOptions options)
    {
        using var projected = PerpProjectionComposed.Project(weight, grad, options);
        Memory.Discard(grad, grad.copy_(projected));
    }

    /// <summary>All tensors as one vector: their sums, then one pair of factors for all.</summary>
    private static void Together(List<(Tensor Weight, Tensor Grad)> pairs, PerpRule rule)
    {
        PerpSums sums = default;
        double tolerance = 0;
        foreach (var (weight, grad) in pairs)
        {
            sums += PerpProjectionComposed.Sums(weight, grad);
            tolerance = Math.Max(tolerance, PerpGradOptions.Tolerance(grad.dtype));
        }

        double orthogonal = sums.Cancels ? pairs.Sum(pair => PerpProjectionComposed.Orthogonal(pair.Weight, pair.Grad, sums.Along)) : sums.Orthogonal;
        var factors = rule.Factors(sums, orthogonal, tolerance);
        if (factors.ChangeNothing)
        {
            return;
        }

        foreach (var (weight, grad) in pairs)
        {
            PerpProjectionComposed.Write(weight, grad, factors);
        }
    }
}
