using System.Diagnostics;
using TorchSharpSoftmax;
using static TorchSharp.torch;

namespace MoeGating;

/// <summary>A gate whose parameters are estimated from samples.</summary>
/// <param name="Name">In the files.</param>
/// <param name="Title">For people.</param>
/// <param name="Activation">What comes between the linear map and the softmax.</param>
/// <param name="LearnsTemperature">Whether the temperature is estimated too, or known.</param>
/// <param name="IsDetermined">Whether data determine beta and temperature, by theory.</param>
internal sealed record GaussianGate(string Name, string Title, DenseToSparseActivation Activation, bool LearnsTemperature, bool IsDetermined)
{
    private const double StartNoise = 0.1;

    public static readonly GaussianGate[] All =
    [
        new("linear", "linear, temperature learnt", DenseToSparseActivation.Identity, true, false),
        new("relu", "ReLU, temperature learnt", DenseToSparseActivation.ReLU, true, false),
        new("tanh", "tanh, temperature learnt", DenseToSparseActivation.Tanh, true, true),
        new("gelu", "GELU, temperature learnt", DenseToSparseActivation.GELU, true, true),
        new("linear-fixed", "linear, temperature given", DenseToSparseActivation.Identity, false, true),
    ];

    public Mixture Mixture { get; } = new(Activation);

    /// <summary>Draws samples, starts near the truth and climbs to the maximum of the likelihood.</summary>
    public EstimateRow Estimate(int n, int repetition, Grid grid, Tensor trueDensity)
    {
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        manual_seed(Seeds.Of(n, repetition));
        (Tensor x, Tensor y) = Mixture.Draw(n);
        manual_seed(repetition); // the same starts at every size
        int[] free = [.. Enumerable.Range(0, Mixture.Parameters).Where(p => p != Mixture.LogTau || LearnsTemperature)];
        double[] start = [.. Mixture.Truth];
        double[] noise = [.. randn(Mixture.Parameters, dtype: ScalarType.Float64).data<double>()];
        Array.ForEach(free, p => start[p] += StartNoise * noise[p]);
        Fit fit = Fit.Of(Mixture, start, free, x, y);
        double hellinger = grid.Hellinger(grid.Density(Mixture, fit.Parameters), trueDensity);
        return EstimateRow.Of(this, n, repetition, fit, hellinger, clock.Elapsed.TotalSeconds);
    }
}

/// <summary>
/// One row of estimates.csv: a maximum-likelihood estimate of the gate and how far off it is. Errors are sums of absolute differences to the truth, of beta and tau
/// (where it is estimated), of beta / tau, of the experts' slopes, intercepts and variances; the distance of the densities is Hellinger's. 200 steps are the limit,
/// which a small sample may reach that hardly tells the parameters apart.
/// </summary>
internal sealed record EstimateRow(
    string Gate, int N, int Repetition, double Beta, double Bias, double Tau, double GateError, double RatioError, double ExpertError, double Hellinger,
    double LogLikelihood, int Steps, double Seconds)
{
    public static EstimateRow Of(GaussianGate gate, int n, int repetition, Fit fit, double hellinger, double seconds)
    {
        double[] estimate = Plain(fit.Parameters), truth = Plain(Mixture.Truth);
        (double beta, double tau) = (estimate[Mixture.Beta], estimate[Mixture.LogTau]);
        (double trueBeta, double trueTau) = (truth[Mixture.Beta], truth[Mixture.LogTau]);
        double experts = Enumerable.Range(3, 6).Sum(p => Math.Abs(estimate[p] - truth[p]));
        return new(
            gate.Name, n, repetition, beta, estimate[1], tau, Math.Abs(beta - trueBeta) + Math.Abs(tau - trueTau), Math.Abs((beta / tau) - (trueBeta / trueTau)), experts,
            hellinger, fit.LogLikelihood, fit.Steps, seconds);
    }

    /// <summary>Temperature and variances instead of their logarithms.</summary>
    private static double[] Plain(double[] parameters) => [.. parameters.Select((p, i) => i is Mixture.LogTau or 7 or 8 ? Math.Exp(p) : p)];
}
