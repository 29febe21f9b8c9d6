using TorchSharp;
using static TorchSharp.torch;

namespace MoeGating;

/// <summary>Points (x, y) that stand for all samples: x from -2 to 2, y where the mixture has its mass. Integrals over them are sums.</summary>
internal sealed record Grid(Tensor X, Tensor Y) : IDisposable
{
    private const int Columns = 64;
    private const int Rows = 320;
    private const double Highest = 8;

    /// <summary>What a point counts: the share of x, times the step of y.</summary>
    public const double Weight = 2 * Highest / Rows / Columns;

    public static Grid Create()
    {
        using var scope = NewDisposeScope();
        Tensor x = (arange(Columns, dtype: ScalarType.Float64) + 0.5) * (4.0 / Columns) - 2;
        Tensor y = (arange(Rows, dtype: ScalarType.Float64) + 0.5) * (2 * Highest / Rows) - Highest;
        return new(x.repeat_interleave(Rows).DetachFromDisposeScope(), y.repeat(Columns).DetachFromDisposeScope());
    }

    /// <summary>p(y | x) at each point.</summary>
    public Tensor Density(Mixture mixture, double[] parameters)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return mixture.LogDensity(tensor(parameters), X, Y).exp().MoveToOuterDisposeScope();
    }

    /// <summary>The distance of two densities, <c>sqrt(mean over x of 1/2 integral (sqrt p - sqrt q)^2 dy)</c>: 0 where they are the same, at most 1.</summary>
    public double Hellinger(Tensor density, Tensor other)
    {
        using var scope = NewDisposeScope();
        return Math.Sqrt((density.sqrt() - other.sqrt()).square().sum().item<double>() * Weight / 2);
    }

    public void Dispose()
    {
        X.Dispose();
        Y.Dispose();
    }
}
