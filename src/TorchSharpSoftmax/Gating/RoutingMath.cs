using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What gates and losses share, from libtorch's operators. The callers' dispose scopes take the temporaries.</summary>
internal static class RoutingMath
{
    /// <summary>A tensor of no dimensions, which meets tensors of any device.</summary>
    internal static Tensor Number(double value, ScalarType dtype) => Scalars.Tensor(value, dtype);

    /// <summary>Routing is never done in 16 bits: rounding would change which experts are chosen.</summary>
    internal static Tensor Wide(Tensor x) => x.to_type(Dtype.ArithmeticOf(x.dtype));

    /// <summary>Float32, or Float64 where either is.</summary>
    internal static ScalarType Common(Tensor x, Tensor weight) =>
        x.dtype == ScalarType.Float64 || weight.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

    /// <summary>x W^T + b in float32, or float64 where either is.</summary>
    internal static Tensor Linear(Tensor x, Tensor weight, Tensor? bias)
    {
        var type = Common(x, weight);
        return nn.functional.linear(x.to_type(type), weight.to_type(type), bias?.to_type(type));
    }

    /// <summary>The k largest of each row in descending order; of equal ones those with the lowest index. NaN counts as the largest, as in libtorch.</summary>
    internal static (Tensor Values, Tensor Indices) Top(Tensor scores, long k)
    {
        if (k == 1)
        {
            var first = scores.argmax(-1, keepdim: true);
            return (scores.gather(-1, first), first);
        }

        var (values, indices) = scores.sort(-1, descending: true, stable: true);
        return (values.narrow(-1, 0, k), indices.narrow(-1, 0, k));
    }

    /// <summary>How often each expert is named, [groups, E] in float64, exact. Slots of -1 are unused; <paramref name="weights"/> counts slots, all by 1 without.</summary>
    /// <param name="indices">[groups, slots], Int64.</param>
    /// <param name="experts">E.</param>
    /// <param name="weights">[groups, slots] in float64, or null.</param>
    /// <param name="argument">What the caller's user calls the indices.</param>
    internal static Tensor Counts(Tensor indices, long experts, Tensor? weights, string argument)
    {
        long groups = indices.size(0), bins = experts + 1;
        if (indices.numel() == 0)
        {
            return zeros([groups, experts], ScalarType.Float64, indices.device);
        }

        CheckRange(indices, experts, argument);
        var starts = tensor([.. Range(groups).Select(group => (group * bins) + 1)], [groups, 1], ScalarType.Int64, indices.device);
        var counts = bincount(indices.add(starts, Scalars.One).reshape(-1), weights?.reshape(-1)!, groups * bins);
        return counts.to_type(ScalarType.Float64).reshape(groups, bins).narrow(1, 1, experts);
    }

    internal static void CheckRange(Tensor indices, long experts, string argument)
    {
        if (indices.numel() == 0)
        {
            return;
        }

        using var least = indices.min();
        using var most = indices.max();
        long low = least.cpu().item<long>(), high = most.cpu().item<long>();
        if (low < -1 || high >= experts)
        {
            throw new ArgumentOutOfRangeException(
                argument, $"'{argument}' has {(low < -1 ? low : high)}; 0 to {experts - 1}, or -1 for a slot that is not used, is required.");
        }
    }

    /// <summary>The squared coefficient of variation of some sums, <c>var / (mean^2 + 1e-10)</c>, with the population's variance.</summary>
    internal static Tensor SquaredVariation(Tensor sums)
    {
        var mean = sums.mean();
        var off = sums.sub(mean);
        return off.mul(off).mean().div(mean.mul(mean).add(Number(1e-10, sums.dtype), Scalars.One));
    }

    internal static IEnumerable<long> Range(long count) => Enumerable.Range(0, checked((int)count)).Select(i => (long)i);
}
