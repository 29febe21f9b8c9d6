namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>A binary floating-point format by its three numbers, with rounding and decoding written from the definition, not from bit tricks.</summary>
internal readonly record struct FloatFormat(string Name, int Precision, int MinExponent, int MaxExponent)
{
    internal static FloatFormat Double { get; } = new("double", 53, -1022, 1023);

    internal static FloatFormat Float { get; } = new("float", 24, -126, 127);

    internal static FloatFormat Half { get; } = new("half", 11, -14, 15);

    internal static FloatFormat BFloat16 { get; } = new("bfloat16", 8, -126, 127);

    internal double MaxFinite => (2 - Math.ScaleB(1, 1 - Precision)) * Math.ScaleB(1, MaxExponent);

    internal double MinSubnormal => Math.ScaleB(1, MinExponent - Precision + 1);

    internal double MinNormal => Math.ScaleB(1, MinExponent);

    /// <summary>The spacing of the format's numbers around <paramref name="x"/>.</summary>
    internal double Ulp(double x)
    {
        int exponent = x == 0 || !double.IsFinite(x) ? MinExponent : Math.Clamp(Math.ILogB(x), MinExponent, MaxExponent);
        return Math.ScaleB(1, exponent - Precision + 1);
    }

    /// <summary>The nearest number of the format, ties to even, gradual underflow, overflow to infinity.</summary>
    internal double Round(double x)
    {
        if (!double.IsFinite(x) || this == Double)
        {
            return x;
        }

        double ulp = Ulp(x);
        double rounded = Math.CopySign(Math.Round(x / ulp, MidpointRounding.ToEven) * ulp, x);
        return Math.Abs(rounded) > MaxFinite ? Math.CopySign(double.PositiveInfinity, x) : rounded;
    }

    /// <summary>The value of a 16-bit pattern of the format.</summary>
    internal double Decode(ushort bits)
    {
        int fractionBits = Precision - 1;
        int fraction = bits & ((1 << fractionBits) - 1);
        int exponent = (bits & 0x7FFF) >> fractionBits;
        int special = (1 << (15 - fractionBits)) - 1;
        double size = exponent == special ? (fraction == 0 ? double.PositiveInfinity : double.NaN)
            : exponent == 0 ? Math.ScaleB(fraction, MinExponent - fractionBits)
            : Math.ScaleB((1 << fractionBits) + fraction, exponent - 1 + MinExponent - fractionBits);
        return (bits & 0x8000) == 0 ? size : -size;
    }
}
