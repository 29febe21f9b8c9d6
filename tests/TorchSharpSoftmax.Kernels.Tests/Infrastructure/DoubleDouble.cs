namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>An unevaluated sum of two doubles, about 105 bits: the truth that results in double are measured against.</summary>
/// <remarks>Scalar and plain; two-sum and FMA two-product, nothing shared with the kernels.</remarks>
internal readonly struct DoubleDouble(double hi, double lo)
{
    /// <summary>Steps between two powers of two.</summary>
    private const int Steps = 64;

    private static readonly DoubleDouble s_ln2 = new(0.69314718055994529, 2.3190468138462996e-17);

    /// <summary>1/n! for n = 0..17.</summary>
    private static readonly DoubleDouble[] s_inverseFactorials = InverseFactorials(18);

    /// <summary>2^(j / 64) for j = -32..32.</summary>
    private static readonly DoubleDouble[] s_roots = [.. Enumerable.Range(-Steps / 2, Steps + 1).Select(j => Series(s_ln2 * j / Steps, 18, 10))];

    internal double Hi { get; } = hi;

    internal double Lo { get; } = lo;

    public static implicit operator DoubleDouble(double x) => new(x, 0);

    public static explicit operator double(DoubleDouble x) => x.Hi + x.Lo;

    public static DoubleDouble operator -(DoubleDouble a) => new(-a.Hi, -a.Lo);

    public static DoubleDouble operator +(DoubleDouble a, DoubleDouble b)
    {
        DoubleDouble s = TwoSum(a.Hi, b.Hi);
        DoubleDouble t = TwoSum(a.Lo, b.Lo);
        DoubleDouble u = QuickTwoSum(s.Hi, s.Lo + t.Hi);
        return QuickTwoSum(u.Hi, u.Lo + t.Lo);
    }

    public static DoubleDouble operator -(DoubleDouble a, DoubleDouble b) => a + (-b);

    public static DoubleDouble operator *(DoubleDouble a, DoubleDouble b)
    {
        double p = a.Hi * b.Hi;
        double error = Math.FusedMultiplyAdd(a.Hi, b.Hi, -p);
        return QuickTwoSum(p, error + ((a.Hi * b.Lo) + (a.Lo * b.Hi)));
    }

    public static DoubleDouble operator /(DoubleDouble a, DoubleDouble b)
    {
        double first = a.Hi / b.Hi;
        DoubleDouble rest = a - (b * first);
        double second = rest.Hi / b.Hi;
        rest -= b * second;
        return QuickTwoSum(first, second) + (rest.Hi / b.Hi);
    }

    /// <summary>The distance to a double, as a double: exact enough even where the two nearly agree.</summary>
    internal double DistanceTo(double actual) => Math.Abs((double)(this - actual));

    /// <summary>e^x as (m, k), meaning m * 2^k with m in [0.7, 1.5]; x finite and below 1e6 in size.</summary>
    internal static (DoubleDouble M, int K) ExpParts(DoubleDouble x)
    {
        int steps = (int)Math.Round(x.Hi * Steps / s_ln2.Hi), k = (int)Math.Round((double)steps / Steps);
        DoubleDouble r = x - (s_ln2 * ((double)steps / Steps)); // |r| <= 0.0055: 12 terms reach 1e-36, and from the fifth on doubles reach 1e-29
        return (s_roots[steps - (k * Steps) + (Steps / 2)] * Series(r, 12, 4), k);
    }

    internal static DoubleDouble Exp(DoubleDouble x)
    {
        (DoubleDouble m, int k) = ExpParts(x);
        return m.Scale(k);
    }

    /// <summary>Newton's step from the double logarithm; x positive and finite.</summary>
    internal static DoubleDouble Log(DoubleDouble x)
    {
        DoubleDouble y = Math.Log(x.Hi);
        return y + ((x * Exp(-y)) - 1.0);
    }

    /// <summary>e^r by so many terms, those after <paramref name="last"/> in double.</summary>
    private static DoubleDouble Series(DoubleDouble r, int terms, int last)
    {
        double high = 0;
        for (int n = terms - 1; n > last; n--)
        {
            high = (high + s_inverseFactorials[n].Hi) * r.Hi;
        }

        DoubleDouble sum = s_inverseFactorials[last] + high;
        for (int n = last - 1; n >= 0; n--)
        {
            sum = (sum * r) + s_inverseFactorials[n];
        }

        return sum;
    }

    internal DoubleDouble Scale(int k) => new(Math.ScaleB(Hi, k), Math.ScaleB(Lo, k));

    private static DoubleDouble TwoSum(double a, double b)
    {
        double s = a + b;
        double c = s - a;
        return new(s, (a - (s - c)) + (b - c));
    }

    private static DoubleDouble QuickTwoSum(double a, double b)
    {
        double s = a + b;
        return new(s, b - (s - a));
    }

    private static DoubleDouble[] InverseFactorials(int count)
    {
        var all = new DoubleDouble[count];
        all[0] = 1.0;
        for (int n = 1; n < count; n++)
        {
            all[n] = all[n - 1] / n;
        }

        return all;
    }
}
