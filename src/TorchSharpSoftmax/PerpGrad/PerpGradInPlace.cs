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
        var pairs = new List<PerpGradPair>();
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

            foreach (var pair in pairs)
            {
                pair.Project(options);
            }
        }
        finally
        {
            foreach (var pair in pairs)
            {
                pair.Dispose();
            }
        }
    }

    private static void Add(List<PerpGradPair> pairs, Parameter parameter, Func<Parameter, bool>? filter, int index)
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

        bool taken = false;
        try
        {
            if (!PerpGradOptions.FitsPlainly(parameter, grad))
            {
                PerpGradOptions.CheckPair(parameter, grad, $"parameters[{index}]", $"parameters[{index}].grad");
                Check.NoSharedElements(grad, $"parameters[{index}].grad");
            }

            if (grad.numel() > 0)
            {
                pairs.Add(new(parameter, grad));
                taken = true;
            }
        }
        finally
        {
            if (!taken)
            {
                grad.Dispose();
            }
        }
    }

    /// <summary>All tensors as one vector: their sums, then one pair of factors for all.</summary>
    private static void Together(List<PerpGradPair> pairs, PerpRule rule)
    {
        PerpSums sums = default;
        PerpPrecision precision = default;
        foreach (var pair in pairs)
        {
            sums += pair.Sums();
            precision = PerpPrecision.Rougher(precision, pair.Precision);
        }

        double orthogonal = precision.MustMeasure(sums) ? pairs.Sum(pair => pair.Orthogonal(sums)) : sums.Orthogonal;
        var factors = rule.Factors(sums, orthogonal, precision);
        if (factors.ChangeNothing)
        {
            return;
        }

        foreach (var pair in pairs)
        {
            pair.Write(factors);
        }
    }
}
