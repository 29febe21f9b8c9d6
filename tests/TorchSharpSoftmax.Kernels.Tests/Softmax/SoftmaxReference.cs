namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Softmax and its family from their definitions, one element at a time in double-double, with libtorch's answers at the edges.</summary>
/// <remarks>
/// NaN or +inf anywhere, or nothing but -inf, makes a softmax or log-softmax row NaN. LogSumExp: NaN, else +inf where it occurs, -inf for an empty row.
/// </remarks>
internal static class SoftmaxReference
{
    /// <summary>e^x / sum(e^x).</summary>
    internal static Expected[] Softmax(double[] x, Shape shape)
    {
        var y = new Expected[x.Length];
        foreach (Line line in shape.Lines)
        {
            (double max, DoubleDouble sum) = MaxAndSum(x, line);
            foreach (int i in line)
            {
                if (!double.IsFinite(max) || double.IsNaN(sum.Hi))
                {
                    y[i] = new Expected(double.NaN);
                    continue;
                }

                DoubleDouble d = Difference(x[i], max);
                DoubleDouble value = 0;
                if (d.Hi > -1e5)
                {
                    (DoubleDouble m, int k) = DoubleDouble.ExpParts(d);
                    value = (m / sum).Scale(k);
                }

                y[i] = new Expected(value);
            }
        }

        return y;
    }

    /// <summary>(x - max) - log(sum(e^(x - max))); a unit is an eps of 1 + |y|.</summary>
    internal static Expected[] LogSoftmax(double[] x, Shape shape)
    {
        var y = new Expected[x.Length];
        foreach (Line line in shape.Lines)
        {
            (double max, DoubleDouble sum) = MaxAndSum(x, line);
            foreach (int i in line)
            {
                DoubleDouble value = !double.IsFinite(max) || double.IsNaN(sum.Hi) ? double.NaN
                    : double.IsInfinity(x[i] - max) ? x[i] - max
                    : Difference(x[i], max) - DoubleDouble.Log(sum);
                y[i] = new Expected(value, 1 + Math.Abs(value.Hi));
            }
        }

        return y;
    }

    /// <summary>log(sum(e^x)) per row; a unit is an eps of 1 + |max| + |log(sum)|.</summary>
    internal static Expected[] LogSumExp(double[] x, Shape shape)
    {
        var lse = new List<Expected>();
        foreach (Line line in shape.Lines)
        {
            (double max, DoubleDouble sum) = MaxAndSum(x, line);
            if (!double.IsFinite(max) || double.IsNaN(sum.Hi))
            {
                lse.Add(new Expected(double.IsNaN(sum.Hi) ? double.NaN : max));
                continue;
            }

            DoubleDouble log = DoubleDouble.Log(sum);
            lse.Add(new Expected(log + max, 1 + Math.Abs(max) + Math.Abs(log.Hi)));
        }

        return [.. lse];
    }

    /// <summary>y * (dy - sum(dy * y)).</summary>
    internal static Expected[] SoftmaxBackward(double[] y, double[] dy, Shape shape)
    {
        var dx = new Expected[y.Length];
        foreach (Line line in shape.Lines)
        {
            DoubleDouble dot = 0;
            double size = 0;
            foreach (int i in line)
            {
                dot += (DoubleDouble)y[i] * dy[i];
                size += Math.Abs(y[i] * dy[i]);
            }

            foreach (int i in line)
            {
                dx[i] = new Expected((dy[i] - dot) * y[i], Math.Abs(y[i]) * (Math.Abs(dy[i]) + size));
            }
        }

        return dx;
    }

    /// <summary>dy - e^y * sum(dy), y being the logarithm of a probability.</summary>
    internal static Expected[] LogSoftmaxBackward(double[] y, double[] dy, Shape shape)
    {
        var dx = new Expected[y.Length];
        foreach (Line line in shape.Lines)
        {
            DoubleDouble sum = 0;
            double size = 0;
            foreach (int i in line)
            {
                sum += dy[i];
                size += Math.Abs(dy[i]);
            }

            foreach (int i in line)
            {
                DoubleDouble p = Exp(y[i]);
                dx[i] = new Expected(dy[i] - (p * sum), Math.Abs(dy[i]) + (p.Hi * size));
            }
        }

        return dx;
    }

    /// <summary>e^(x - lse) * dy, one lse and one dy per row; an error of one eps of |x - lse| in the exponent counts as a unit.</summary>
    internal static Expected[] LogSumExpBackward(double[] x, double[] lse, double[] dy, Shape shape)
    {
        var dx = new Expected[x.Length];
        int row = 0;
        foreach (Line line in shape.Lines)
        {
            foreach (int i in line)
            {
                double d = x[i] - lse[row];
                DoubleDouble p = double.IsFinite(d) ? Exp(Difference(x[i], lse[row])) : Math.Exp(d);
                dx[i] = new Expected(p * dy[row], Math.Abs(p.Hi * dy[row]) * (1 + Math.Min(Math.Abs(d), 1e5)));
            }

            row++;
        }

        return dx;
    }

    private static (double Max, DoubleDouble Sum) MaxAndSum(double[] x, Line line)
    {
        double max = double.NegativeInfinity;
        foreach (int i in line)
        {
            max = Math.Max(max, x[i]); // keeps a NaN
        }

        DoubleDouble sum = 0;
        foreach (int i in line)
        {
            sum += double.IsInfinity(max) ? 0 : Exp(Difference(x[i], max));
        }

        return (max, double.IsNaN(max) ? double.NaN : sum);
    }

    private static DoubleDouble Difference(double a, double b) =>
        double.IsFinite(a - b) ? (DoubleDouble)a - b : a - b;

    private static DoubleDouble Exp(DoubleDouble x) =>
        x.Hi < -1e5 ? 0 : x.Hi > 1e5 ? double.PositiveInfinity : double.IsNaN(x.Hi) ? double.NaN : DoubleDouble.Exp(x);
}
