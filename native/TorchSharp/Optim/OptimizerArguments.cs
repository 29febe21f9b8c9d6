using System;

namespace TorchSharp.Modules;

internal static class OptimizerArguments
{
    public static void NotNegative(double value, string name)
    {
        if (value < 0)
        {
            throw new ArgumentException($"'{name}' is {value}; it must not be negative.", name);
        }
    }

    public static void Fraction(double value, string name)
    {
        if (value is < 0 or >= 1)
        {
            throw new ArgumentException($"'{name}' is {value}; it must be at least 0 and less than 1.", name);
        }
    }
}
