using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>|actual - exact| &lt;= |libtorch - exact| + units * eps(dtype) * scale, with exact in float64. The scale is |exact| where nothing cancels.</summary>
internal static class Close
{
    /// <summary>Compares tensors element by element; exact and scale are float64, libtorch and actual of the dtype in question.</summary>
    internal static void Assert(string what, Tensor exact, Tensor libtorch, Tensor actual, Tensor scale, double units)
    {
        Xunit.Assert.Equal(exact.shape, actual.shape);
        var (e, l, a, s) = (ElementAccess.Values(exact), ElementAccess.Values(libtorch), ElementAccess.Values(actual), ElementAccess.Values(scale));
        double eps = Epsilon(actual.dtype), step = Step(actual.dtype);
        long wrong = 0;
        int worst = -1;
        double worstRatio = 0;
        for (int i = 0; i < e.Length; i++)
        {
            double ratio = Ratio(e[i], l[i], a[i], (units * eps * Math.Abs(s[i])) + (4 * step));
            if (ratio > 1)
            {
                wrong++;
                if (ratio > worstRatio)
                {
                    (worst, worstRatio) = (i, ratio);
                }
            }
        }

        if (wrong > 0)
        {
            Xunit.Assert.Fail(string.Create(
                CultureInfo.InvariantCulture,
                $"""
                {what}: {wrong} of {e.Length} elements are off.
                Worst at {ElementAccess.Index(worst, exact.shape)} of {Check.Text(exact.shape)}, {actual.dtype}, {worstRatio:G3} times what is allowed:
                exact    {e[worst]:R}
                libtorch {l[worst]:R}, error {Math.Abs(l[worst] - e[worst]):G4}
                actual   {a[worst]:R}, error {Math.Abs(a[worst] - e[worst]):G4}
                """));
        }
    }

    internal static double Epsilon(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 => Math.Pow(2, -52),
        ScalarType.Float32 => Math.Pow(2, -23),
        ScalarType.Float16 => Math.Pow(2, -10),
        ScalarType.BFloat16 => Math.Pow(2, -7),
        _ => throw new ArgumentOutOfRangeException(nameof(dtype)),
    };

    /// <summary>The smallest subnormal: below it a relative error means nothing.</summary>
    private static double Step(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 => double.Epsilon,
        ScalarType.Float32 => float.Epsilon,
        ScalarType.Float16 => Math.Pow(2, -24),
        _ => Math.Pow(2, -133),
    };

    /// <summary>The error over what is allowed. Where libtorch's own answer is no finite number, ours must be the same one.</summary>
    private static double Ratio(double exact, double libtorch, double actual, double allowance)
    {
        if (!double.IsFinite(libtorch) || !double.IsFinite(exact))
        {
            return libtorch.Equals(actual) ? 0 : double.PositiveInfinity;
        }

        double error = Math.Abs(actual - exact), allowed = Math.Abs(libtorch - exact) + allowance;
        return double.IsNaN(error) ? double.PositiveInfinity : error <= allowed ? 0 : error / allowed;
    }
}
