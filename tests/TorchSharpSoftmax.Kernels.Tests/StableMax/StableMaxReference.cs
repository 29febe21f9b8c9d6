namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>StableMax, its logarithm and their gradients from their definitions, one element at a time in double-double.</summary>
/// <remarks>NaN or +infinity anywhere, or nothing but -infinity, makes a row NaN. A row of one element is exact: 1, 0, and a gradient of 0.</remarks>
internal static class StableMaxReference
{
    private static readonly DoubleDouble s_ln2 = DoubleDouble.Log(2);

    /// <summary>s(x) / sum(s(x)).</summary>
    internal static Expected[] StableMax(double[] x, Shape shape) => Rows(x, shape, (row, _, i) => new Expected(row.P(x[i])));

    /// <summary>log s(x) - log(sum(s(x))); a unit is an eps of 1 + |log s(x)| + |log(sum)|.</summary>
    internal static Expected[] LogStableMax(double[] x, Shape shape) => Rows(x, shape, (row, _, i) =>
    {
        if (double.IsNegativeInfinity(x[i]))
        {
            return new Expected(x[i]);
        }

        DoubleDouble size = DoubleDouble.Log((DoubleDouble)Math.Abs(x[i]) + 1), log = x[i] < 0 ? -size : size;
        return new Expected(row.Length == 1 ? 0 : log - row.Log, 1 + Math.Abs(log.Hi) + Math.Abs(row.Log.Hi));
    });

    /// <summary>p / (1 + |x|) * (dy - sum(p * dy)).</summary>
    internal static Expected[] StableMaxBackward(double[] x, double[] dy, Shape shape) => Rows(x, shape, (row, line, i) =>
    {
        var (dot, size) = row.Dot(x, dy, line);
        DoubleDouble p = row.P(x[i]);
        return new Expected(OverGrown(Times(p, dy[i] - dot), x[i]), p.Hi * (Math.Abs(dy[i]) + size) / (1 + Math.Abs(x[i])));
    });

    /// <summary>(dy - p * sum(dy)) / (1 + |x|).</summary>
    internal static Expected[] LogStableMaxBackward(double[] x, double[] dy, Shape shape) => Rows(x, shape, (row, line, i) =>
    {
        var (sum, size) = row.Sum(dy, line);
        DoubleDouble p = row.P(x[i]);
        return new Expected(OverGrown(dy[i] - Times(p, sum), x[i]), (Math.Abs(dy[i]) + (p.Hi * size)) / (1 + Math.Abs(x[i])));
    });

    private static Expected[] Rows(double[] x, Shape shape, Func<Row, Line, int, Expected> of)
    {
        var y = new Expected[x.Length];
        foreach (Line line in shape.Lines)
        {
            var row = new Row(x, line);
            foreach (int i in line)
            {
                y[i] = double.IsNaN(row.Log.Hi) ? new Expected(double.NaN) : of(row, line, i);
            }
        }

        return y;
    }

    /// <summary>c / (1 + |x|); the quotient alone could be subnormal, its low half even more so.</summary>
    private static DoubleDouble OverGrown(DoubleDouble c, double x) =>
        double.IsFinite(c.Hi) && double.IsFinite(x) ? c / ((DoubleDouble)Math.Abs(x) + 1) : c.Hi / (1 + Math.Abs(x));

    /// <summary>Of a probability and what may be no number.</summary>
    private static DoubleDouble Times(DoubleDouble p, DoubleDouble c) => double.IsFinite(c.Hi) ? p * c : p.Hi * c.Hi;

    /// <summary>One row's sum, as sum * 2^exponent: it does not overflow.</summary>
    private sealed class Row
    {
        private readonly DoubleDouble _sum = 0;
        private readonly int _exponent;
        private (DoubleDouble Value, double Size)? _dot, _gradients;

        internal Row(double[] x, Line line)
        {
            double max = double.NegativeInfinity;
            foreach (int i in line)
            {
                max = Math.Max(max, x[i]); // keeps a NaN
            }

            Length = line.Length;
            if (!double.IsFinite(max))
            {
                Log = double.NaN;
                return;
            }

            _exponent = Math.Sign(max) * Math.ILogB(1 + Math.Abs(max));
            foreach (int i in line)
            {
                _sum += Scaled(x[i]);
            }

            Log = DoubleDouble.Log(_sum) + (s_ln2 * _exponent);
        }

        internal int Length { get; }

        internal DoubleDouble Log { get; }

        internal DoubleDouble P(double x) => Length == 1 ? 1 : Scaled(x) / _sum;

        internal (DoubleDouble Value, double Size) Dot(double[] x, double[] dy, Line line) => _dot ??= Total(line, i => P(x[i]), dy);

        internal (DoubleDouble Value, double Size) Sum(double[] dy, Line line) => _gradients ??= Total(line, _ => 1, dy);

        private static (DoubleDouble Value, double Size) Total(Line line, Func<int, DoubleDouble> factor, double[] dy)
        {
            DoubleDouble sum = 0;
            double size = 0;
            foreach (int i in line)
            {
                sum += factor(i) * dy[i];
                size += Math.Abs(factor(i).Hi * dy[i]);
            }

            return (sum, size);
        }

        /// <summary>s(x) * 2^-exponent.</summary>
        private DoubleDouble Scaled(double x)
        {
            DoubleDouble grown = (DoubleDouble)Math.Abs(x) + 1;
            return x >= 0 ? grown.Scale(-_exponent) : double.IsInfinity(x) ? 0 : ((DoubleDouble)1).Scale(-_exponent) / grown;
        }
    }
}
