using TorchSharp;
using static TorchSharp.torch;

namespace MoeGating;

/// <summary>The maximum of a likelihood near a start: damped Gauss-Newton steps (Berndt, Hall, Hall, Hausman; Levenberg and Marquardt's damping).</summary>
/// <param name="Parameters">Where it is.</param>
/// <param name="LogLikelihood">The mean over the samples there.</param>
/// <param name="Steps">How many steps it took.</param>
internal sealed record Fit(double[] Parameters, double LogLikelihood, int Steps)
{
    private const int MostSteps = 200;

    /// <summary>A step that promises less changes no estimate by as much as a thousandth of its standard error.</summary>
    private const double Negligible = 1e-6;

    /// <param name="mixture">The model.</param>
    /// <param name="start">Where to begin.</param>
    /// <param name="free">Which of the parameters may move.</param>
    /// <param name="x">Samples, [n].</param>
    /// <param name="y">Samples, [n].</param>
    public static Fit Of(Mixture mixture, double[] start, int[] free, Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        Tensor moving = tensor(Array.ConvertAll(free, i => (long)i));
        Tensor theta = tensor(start);
        double damping = 1e-3;
        (Tensor scores, Tensor logs) = Scores.Of(mixture, theta, x, y);
        double likelihood = logs.sum().item<double>();
        for (int steps = 0; ; steps++)
        {
            using var step = NewDisposeScope();
            Tensor s = scores.index_select(1, moving);
            Tensor gradient = s.sum(0L); // a literal 0 would be a dtype
            Tensor information = s.t().mm(s);
            bool found = false;
            while (!found)
            {
                Tensor damped = information + (information.diag() * damping + 1e-12).diag();
                Tensor move = linalg.solve(damped, gradient.unsqueeze(1)).squeeze(1);
                if (gradient.dot(move).item<double>() < Negligible || steps == MostSteps || damping > 1e12)
                {
                    return new([.. theta.data<double>()], likelihood / x.size(0), steps);
                }

                Tensor trial = theta.index_add(0, moving, move, 1);
                double there = Likelihood(mixture, trial, x, y);
                found = there > likelihood; // false for NaN too
                damping = found ? Math.Max(damping / 10, 1e-9) : damping * 10;
                if (found)
                {
                    theta = trial.MoveToOuterDisposeScope();
                }
            }

            scores.Dispose();
            (scores, logs) = Scores.Of(mixture, theta, x, y);
            likelihood = logs.sum().item<double>();
            scores.MoveToOuterDisposeScope();
        }
    }

    private static double Likelihood(Mixture mixture, Tensor theta, Tensor x, Tensor y)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return mixture.LogDensity(theta, x, y).sum().item<double>();
    }
}
