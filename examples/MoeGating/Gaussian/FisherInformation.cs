using TorchSharp;
using TorchSharpSoftmax;
using static TorchSharp.torch;

namespace MoeGating;

/// <summary>One row of fisher.csv. An eigenvalue of 0: some direction of the nine parameters leaves the density as it is, and no amount of data can tell.</summary>
internal sealed record FisherRow(string Activation, bool Homogeneous, double SmallestEigenvalue);

/// <summary>What samples tell of the parameters at the truth.</summary>
internal static class FisherInformation
{
    /// <summary>Below it an eigenvalue is 0 but for rounding.</summary>
    public const double Singular = 1e-10;

    public static IEnumerable<FisherRow> All(Grid grid) => Enum.GetValues<DenseToSparseActivation>()
        .Select(a => new FisherRow($"{a}", a >= DenseToSparseActivation.Identity, SmallestEigenvalue(new(a), grid)));

    /// <summary>Of the Fisher information as a correlation matrix, so that no parameter's unit matters.</summary>
    public static double SmallestEigenvalue(Mixture mixture, Grid grid)
    {
        using var scope = NewDisposeScope();
        (Tensor scores, Tensor logs) = Scores.Of(mixture, tensor(Mixture.Truth), grid.X, grid.Y);
        Tensor information = scores.t().mm(scores * (logs.exp() * Grid.Weight).unsqueeze(1));
        Tensor deviation = information.diag().sqrt();
        return linalg.eigvalsh(information / deviation.outer(deviation)).min().item<double>();
    }
}
