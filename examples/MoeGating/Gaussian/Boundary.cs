using TorchSharp;
using TorchSharpSoftmax;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoeGating;

/// <summary>One row of boundary.csv: a maximum-likelihood estimate of a top-1 gate's boundary and its two experts, and how far off they are.</summary>
internal sealed record BoundaryRow(int N, int Repetition, double Boundary, double BoundaryError, double ExpertError);

/// <summary>
/// Data of a top-1 gate with two experts on [0, 1]. Its density knows the gate only by the place where the experts change, and the gate's gradient is zero: the likelihood is
/// maximised over the place itself, with the best experts for each, by prefix sums.
/// </summary>
internal static class Boundary
{
    /// <summary>Where -8 + 25 x = 0.</summary>
    public const double Truth = 0.32;

    private const int Fewest = 3; // samples of an expert: two determine a line

    private static readonly Line Left = new(20, -5, 0.4), Right = new(-20, 15, 0.3);

    public static BoundaryRow Estimate(int n, int repetition)
    {
        manual_seed(Seeds.Of(n, repetition));
        (double[] x, double[] y) = Draw(n);
        (double at, Line left, Line right) = Split(x, y);
        return new(n, repetition, at, Math.Abs(at - Truth), left.DistanceTo(Left) + right.DistanceTo(Right));
    }

    /// <summary>The likeliest place to split samples that are in the order of their x, and the experts on both sides of it.</summary>
    public static (double At, Line Left, Line Right) Split(double[] x, double[] y)
    {
        var before = new Sums[x.Length + 1];
        for (int i = 0; i < x.Length; i++)
        {
            before[i + 1] = before[i].With(x[i], y[i]);
        }

        double best = double.PositiveInfinity;
        int at = Fewest;
        for (int i = Fewest; i <= x.Length - Fewest; i++)
        {
            double cost = before[i].Cost() + before[^1].Minus(before[i]).Cost();
            (best, at) = cost < best ? (cost, i) : (best, at);
        }

        return ((x[at - 1] + x[at]) / 2, before[at].Line(), before[^1].Minus(before[at]).Line());
    }

    private static (double[] X, double[] Y) Draw(int n)
    {
        using var scope = NewDisposeScope();
        Tensor x = rand(n, dtype: ScalarType.Float64).sort(0).Values;
        Tensor logits = stack([(x * 25) - 8, zeros_like(x)], 1);
        Tensor expert = functional.topk_gate(logits, k: 1, TopKGateMode.Softmax).indices.squeeze(1);
        Tensor Of(Func<Line, double> number) => tensor((double[])[number(Right), number(Left)]).index_select(0, expert);
        Tensor y = (Of(l => l.Slope) * x) + Of(l => l.Intercept) + (Of(l => Math.Sqrt(l.Variance)) * randn(n, dtype: ScalarType.Float64));
        return ([.. x.data<double>()], [.. y.data<double>()]);
    }

    /// <summary>An expert: y = slope * x + intercept, and noise.</summary>
    public readonly record struct Line(double Slope, double Intercept, double Variance)
    {
        public double DistanceTo(Line other) => Math.Abs(Slope - other.Slope) + Math.Abs(Intercept - other.Intercept) + Math.Abs(Variance - other.Variance);
    }

    /// <summary>Of samples: all that the best line and its likelihood need.</summary>
    private readonly record struct Sums(int N, double X, double Y, double XX, double XY, double YY)
    {
        public Sums With(double x, double y) => new(N + 1, X + x, Y + y, XX + (x * x), XY + (x * y), YY + (y * y));

        public Sums Minus(Sums o) => new(N - o.N, X - o.X, Y - o.Y, XX - o.XX, XY - o.XY, YY - o.YY);

        public Line Line()
        {
            double slope = (XY - (X * Y / N)) / (XX - (X * X / N));
            double squares = YY - (Y * Y / N) - (slope * (XY - (X * Y / N)));
            return new(slope, (Y - (slope * X)) / N, Math.Max(squares / N, 1e-12));
        }

        /// <summary>Minus twice the log-likelihood of the best line, without what does not depend on the split.</summary>
        public double Cost() => N * Math.Log(Line().Variance);
    }
}
