namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Rows, their targets and options; everything as doubles that the stored types hold exactly.</summary>
internal sealed record CrossEntropyProblem(CrossEntropyLink Link, int Rows, int Length, double[] X)
{
    /// <summary>Class numbers, or null beside probabilities.</summary>
    internal long[]? Classes { get; init; }

    internal double[]? Probabilities { get; init; }

    internal double[]? Weight { get; init; }

    internal long Ignored { get; init; } = -100;

    internal double Smoothing { get; init; }

    /// <summary>One for each row, or one for all.</summary>
    internal double[] Dy { get; init; } = [1];

    internal double Divisor { get; init; } = 1;

    internal bool IsDense => Probabilities is not null || Smoothing > 0;

    public override string ToString() =>
        $"{Link} [{Rows}, {Length}] {(Classes is null ? "probabilities" : "classes")}, smoothing {Smoothing}{(Weight is null ? "" : ", weights")}, {Dy.Length} dy";
}

/// <summary>Losses and gradients from their definitions, leaving the target out, in double-double.</summary>
internal static class CrossEntropyReference
{
    /// <summary>Each row's loss; a unit is an eps of the loss itself.</summary>
    internal static Expected[] Losses(CrossEntropyProblem problem) => [.. Enumerable.Range(0, problem.Rows).Select(row => Loss(problem, new Row(problem, row)))];

    /// <summary>The gradient; a unit is an eps of the element itself, or where targets are spread of the parts whose difference it is.</summary>
    /// <remarks>The sum of all q is kept in double: beside doubles it is rounded, and counts in full.</remarks>
    internal static Expected[] Gradient(CrossEntropyProblem problem, bool ofDoubles)
    {
        var dx = new Expected[problem.X.Length];
        for (int r = 0; r < problem.Rows; r++)
        {
            var row = new Row(problem, r);
            double dy = problem.Dy[problem.Dy.Length == 1 ? 0 : r];
            DoubleDouble upstream = (DoubleDouble)dy / problem.Divisor;
            for (int i = 0; i < problem.Length; i++)
            {
                dx[(r * problem.Length) + i] = Gradient(problem, row, i, upstream, ofDoubles);
            }
        }

        return dx;
    }

    private static Expected Loss(CrossEntropyProblem problem, Row row)
    {
        if (row.IsIgnored || problem.Length == 0)
        {
            return new(0);
        }

        if (row.IsNaN)
        {
            return new(double.NaN);
        }

        DoubleDouble loss = Log1P(row.ButTop) * row.All;
        for (int i = 0; i < problem.Length; i++)
        {
            if (row.Q[i].Hi == 0)
            {
                continue;
            }

            if (row.Terms[i].Hi == 0 && double.IsInfinity(problem.X[row.First + i]))
            {
                return new(double.PositiveInfinity);
            }

            loss += row.Gap(problem, i) * row.Q[i];
        }

        return new(loss);
    }

    private static Expected Gradient(CrossEntropyProblem problem, Row row, int i, DoubleDouble upstream, bool ofDoubles)
    {
        if (row.IsIgnored)
        {
            return new(0);
        }

        if (row.IsNaN)
        {
            return new(double.NaN);
        }

        double x = problem.X[row.First + i];
        DoubleDouble slope = problem.Link == CrossEntropyLink.Softmax ? 1.0 : double.IsInfinity(x) ? 0.0 : 1.0 / (Math.Abs(x) + (DoubleDouble)1.0);
        DoubleDouble all = row.ButTop + row.Terms[row.Top], others = i == row.Top ? row.ButTop : all - row.Terms[i];
        DoubleDouble p = row.Terms[i] / all, q = row.Q[i], othersQ = row.All - q;

        // all * p - q, without 1 - p and without all - q
        DoubleDouble difference = (othersQ * p) - (q * (others / all));
        DoubleDouble value = difference * slope * upstream;
        double parts = problem.IsDense
            ? Math.Abs(upstream.Hi * slope.Hi) * (p.Hi > 0.5 ? (ofDoubles ? row.All.Hi : othersQ.Hi) + (row.All.Hi * (others / all).Hi) : (row.All.Hi * p.Hi) + q.Hi)
            : Math.Abs(value.Hi);
        return new(value, Math.Max(parts, Math.Abs(value.Hi)));
    }

    private static DoubleDouble Log1P(DoubleDouble r) => r.Hi < 1e-8 ? r - (r * r * ((DoubleDouble)0.5 - (r / 3.0))) : DoubleDouble.Log(r + 1.0);

    /// <summary>One row: its terms over the largest one, and what each log-probability counts.</summary>
    private sealed class Row
    {
        internal Row(CrossEntropyProblem problem, int row)
        {
            int n = problem.Length;
            First = row * n;
            IsIgnored = problem.Classes is { } classes && classes[row] == problem.Ignored;
            double[] x = problem.X[First..(First + n)];
            double max = n == 0 ? 0 : x.Max();
            IsNaN = n > 0 && (x.Any(double.IsNaN) || double.IsInfinity(max));
            Terms = new DoubleDouble[n];
            Q = new DoubleDouble[n];
            Top = Array.IndexOf(x, max);
            for (int i = 0; i < n; i++)
            {
                DoubleDouble weight = problem.Weight?[i] ?? 1.0;
                DoubleDouble own = problem.Probabilities?[First + i] ?? (problem.Classes![row] == i ? 1.0 : 0.0);
                Q[i] = weight * ((own * ((DoubleDouble)1.0 - problem.Smoothing)) + (DoubleDouble)problem.Smoothing / n);
                All += Q[i];
                Terms[i] = IsNaN || double.IsInfinity(x[i]) ? 0.0 : Term(problem.Link, x[i], max);
                ButTop += i == Top ? 0.0 : Terms[i];
            }
        }

        internal int First { get; }

        internal bool IsIgnored { get; }

        internal bool IsNaN { get; }

        internal int Top { get; }

        internal DoubleDouble[] Terms { get; }

        internal DoubleDouble[] Q { get; }

        internal DoubleDouble All { get; } = 0.0;

        /// <summary>The sum of all terms but the largest.</summary>
        internal DoubleDouble ButTop { get; } = 0.0;

        internal DoubleDouble Gap(CrossEntropyProblem problem, int i)
        {
            double x = problem.X[First + i], max = problem.X[First + Top];
            return problem.Link == CrossEntropyLink.Softmax ? (DoubleDouble)max - x
                : x == max ? 0.0
                : Log(max) - Log(x);
        }

        private static DoubleDouble Term(CrossEntropyLink link, double x, double max)
        {
            if (link == CrossEntropyLink.StableMax)
            {
                return x >= 0 ? Half(x) / Half(max) : max >= 0 ? ((DoubleDouble)0.5 / Half(-x)) * ((DoubleDouble)0.5 / Half(max)) : Half(-max) / Half(-x);
            }

            DoubleDouble d = (DoubleDouble)x - max;
            return d.Hi < -1e5 || double.IsInfinity(d.Hi) ? 0.0 : DoubleDouble.Exp(d);
        }

        /// <summary>(1 + x) / 2, which does not overflow.</summary>
        private static DoubleDouble Half(double x) => (DoubleDouble)0.5 + (x / 2);

        /// <summary>log(s(x)).</summary>
        private static DoubleDouble Log(double x)
        {
            DoubleDouble half = Half(Math.Abs(x));
            int exponent = Math.ILogB(half.Hi);
            DoubleDouble log = DoubleDouble.Log(half.Scale(-exponent)) + (DoubleDouble.Log(2.0) * (exponent + 1));
            return x >= 0 ? log : -log;
        }
    }
}
