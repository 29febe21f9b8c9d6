using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What perpGrad takes beside its tensors, and the refusals that its forms share.</summary>
internal readonly record struct PerpGradOptions(PerpGradGranularity Granularity, PerpRule Rule)
{
    internal static PerpGradOptions Checked(PerpGradGranularity granularity, bool rescale, double eps, double strength)
    {
        if (granularity is < PerpGradGranularity.Tensor or > PerpGradGranularity.Global)
        {
            throw Check.OutOfRange(nameof(granularity), (int)granularity, "Tensor, Row or Global");
        }

        if (!(eps >= 0 && double.IsFinite(eps)))
        {
            throw Check.OutOfRange(nameof(eps), eps, "0 or more");
        }

        CheckStrength(strength);
        return new(granularity, new(rescale, eps, strength));
    }

    /// <summary>For the functions of one tensor, which know no others.</summary>
    internal static PerpGradOptions OfOneTensor(PerpGradGranularity granularity, bool rescale, double eps, double strength) =>
        granularity != PerpGradGranularity.Global
            ? Checked(granularity, rescale, eps, strength)
            : throw new ArgumentException(
                $"'{nameof(granularity)}' is Global; Tensor or Row is required of a function of one tensor: perp_grad_ and PerpGrad have all parameters.",
                nameof(granularity));

    internal static void CheckStrength(double strength, string argument = "strength")
    {
        if (!(strength is >= 0 and <= 1))
        {
            throw Check.OutOfRange(argument, strength, "0 to 1");
        }
    }

    /// <summary>A quick yes to <see cref="CheckPair"/> and <see cref="Check.NoSharedElements"/>, which would say the same.</summary>
    internal static bool FitsPlainly(Tensor weight, Tensor grad)
    {
        int dims = (int)weight.ndim;
        bool fits = grad.ndim == dims && grad.dtype == weight.dtype && Dtype.HasKernel(weight) && Dtype.HasKernel(grad);
        for (int i = 0; fits && i < dims; i++)
        {
            fits = grad.size(i) == weight.size(i) && grad.stride(i) != 0;
        }

        return fits;
    }

    internal static void CheckPair(Tensor weight, Tensor grad, string ofWeight, string ofGrad)
    {
        Check.DenseFloating(weight, ofWeight);
        Check.DenseFloating(grad, ofGrad);
        Check.Device(grad, weight, ofGrad, ofWeight);
        Check.Dtype(grad, weight.dtype, ofGrad);
        Check.Shape(grad, weight, ofGrad);
    }

    /// <summary>How many vectors a tensor is cut into.</summary>
    internal long Rows(Tensor x) => Granularity == PerpGradGranularity.Row && x.ndim > 1 ? x.size(0) : 1;

    internal static PerpPrecision Precision(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 => PerpPrecision.Of<double>(),
        ScalarType.Float32 => PerpPrecision.Of<float>(),
        ScalarType.Float16 => PerpPrecision.Of<Half>(),
        _ => PerpPrecision.Of<BFloat16>(),
    };
}
