using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>A row's sum of s(x) * Scale. Scale is 1, or 2^-64 where the sum would overflow otherwise, or 2^64 where s(x) would be subnormal.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly record struct StableSum(double Sum, double Scale)
{
    /// <summary>Below it, products of s(x) with gradients would lose bits.</summary>
    internal const double Least = 1.0 / (1 << 16);

    /// <summary>Up to it, 1 / sum is far from subnormal in every type.</summary>
    internal const double Most = Const.TwoTo64;

    /// <summary>Whether another scale is not needed.</summary>
    internal bool IsRight => Sum >= Least && double.IsFinite(Sum);

    /// <summary>The scale to sum again with.</summary>
    internal double NextScale => Sum < Least ? Const.TwoTo64 : Const.TwoToMinus64;

    /// <summary>log(sum of s(x)); NaN where nothing, or something infinite, was summed.</summary>
    internal double Log => HasValue ? Math.Log(Sum) - Math.Log(Scale) : double.NaN;

    /// <summary>How s(x) becomes a probability; NaN where nothing, or something infinite, was summed.</summary>
    internal StableWeights Weights =>
        !HasValue ? new(double.NaN, double.NaN)
        : Scale != 1 ? new(Scale, 1 / Sum)
        : Sum > Most ? new(Const.TwoToMinus64, 1 / (Sum * Const.TwoToMinus64))
        : new(1 / Sum, 1);

    private bool HasValue => Sum > 0 && double.IsFinite(Sum);

    /// <summary>The row's sum, taken again at another scale where it must be.</summary>
    internal static StableSum Of<R>(in R row) where R : struct, IStableSums
    {
        var sum = new StableSum(row.Over(new(1, 1)).Sum, 1);
        return sum.IsRight ? sum : new(row.Over(new(sum.NextScale, 1)).Sum, sum.NextScale);
    }
}

/// <summary>s(x) * Scale * Factor is the probability: in two steps, so that neither is subnormal; Factor is 1 but for rows of huge numbers.</summary>
internal readonly record struct StableWeights(double Scale, double Factor);

/// <summary>What the gradient of a row needs of all of it: the probabilities' weights, and sum(p * dy), or sum(dy) for the logarithm.</summary>
internal readonly record struct StableGradient(StableWeights Weights, double OfRow)
{
    /// <param name="row">Sums s(x) and its products with dy.</param>
    /// <param name="forward">Sums s(x) alone.</param>
    /// <param name="log">Whether the products are dy alone.</param>
    internal static StableGradient Of<R>(in R row, in R forward, bool log) where R : struct, IStableSums
    {
        var (s, dot) = row.Over(new(1, 1));
        var sum = new StableSum(s, 1);
        if (sum.IsRight && (log || double.IsFinite(dot))) return new(sum.Weights, log ? dot : dot / s);
        var weights = StableSum.Of(forward).Weights; // probabilities themselves, then: p * dy does not overflow
        return new(weights, log ? dot : row.Over(weights).Dot);
    }
}

/// <summary>The walks over a row, by one thread or by several, that sum s(x) * scale, and s(x) * scale * factor * dy.</summary>
internal interface IStableSums
{
    (double Sum, double Dot) Over(StableWeights weights);
}
