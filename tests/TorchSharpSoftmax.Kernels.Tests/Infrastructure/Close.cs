using System.Globalization;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>An exact value and the size of the quantities it is made of: one eps of that size is the unit an error is measured in.</summary>
internal readonly record struct Expected(DoubleDouble Value, double Size)
{
    internal Expected(DoubleDouble value)
        : this(value, Math.Abs(value.Hi))
    {
    }

    /// <summary>The same for y = e^d / sum where d itself was rounded: its relative error grows with |d|, which is at most |log(y)|.</summary>
    internal Expected WithRoundedExponent => this with { Size = Size * (1 + Math.Min(1e5, Math.Abs(Math.Log(Value.Hi)))) };
}

/// <summary>The tolerance of the house: so many ulp of the arithmetic type, and the half ulp that storing in a narrower type costs.</summary>
internal static class Close
{
    /// <summary>Asserts |actual - exact| &lt;= units * ulp(size) (+ ulp/2 of a narrower stored type), and the class (NaN, infinity) exactly.</summary>
    /// <returns>The largest error met, in units.</returns>
    internal static double Assert(
        string what, ReadOnlySpan<double> actual, ReadOnlySpan<Expected> exact, FloatFormat stored, FloatFormat arithmetic, double units)
    {
        Xunit.Assert.Equal(exact.Length, actual.Length);
        int failing = 0, worst = -1;
        double worstUnits = -1;
        for (int i = 0; i < actual.Length; i++)
        {
            double error = ErrorInUnits(actual[i], exact[i], stored, arithmetic);
            if (!(error <= units))
            {
                failing++;
            }

            if (!(error <= worstUnits)) // also takes the first error that is no number at all
            {
                worst = i;
                worstUnits = double.IsNaN(error) ? double.PositiveInfinity : error;
            }
        }

        if (failing > 0)
        {
            double value = actual[worst], distance = exact[worst].Value.DistanceTo(value);
            Xunit.Assert.Fail(string.Create(
                CultureInfo.InvariantCulture,
                $"{what} ({stored.Name}): {failing} of {actual.Length} elements are off. The worst is [{worst}] = {value:R}, "
                + $"exactly {(double)exact[worst].Value:R}: off by {distance:E2} = {distance / stored.Ulp(exact[worst].Value.Hi):G4} ulp of itself, "
                + $"{worstUnits:G4} units where {units:G4} are allowed."));
        }

        return Math.Max(0, worstUnits);
    }

    /// <summary>The same for elements of a stored type.</summary>
    internal static double Assert<S, E>(string what, ReadOnlySpan<S> actual, ReadOnlySpan<Expected> exact, double units)
        where S : unmanaged
        where E : IElement<S> => Assert(what, Elements.ToDoubles<S, E>(actual), exact, E.Stored, E.Arithmetic, units);

    /// <summary>The error in ulp of the arithmetic type at the element's size; infinite where not even the class is right.</summary>
    private static double ErrorInUnits(double actual, in Expected exact, FloatFormat stored, FloatFormat arithmetic)
    {
        double value = exact.Value.Hi;
        if (!double.IsFinite(value) || !double.IsFinite(actual))
        {
            bool same = actual.Equals(value)
                || (double.IsInfinity(actual) && double.IsFinite(value) && double.IsInfinity(stored.Round(value)) && actual * value > 0);
            return same ? 0 : double.PositiveInfinity;
        }

        double rounding = stored == arithmetic ? 0 : 0.5 * stored.Ulp(value);
        double distance = exact.Value.DistanceTo(actual);
        return distance <= rounding ? 0 : (distance - rounding) / arithmetic.Ulp(exact.Size);
    }
}
