using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>Results that are composed of several operators: within some roundings of one plus the number itself.</summary>
internal static class RandomClose
{
    /// <summary>Compares with what is exact in float64; where it is no number, so must ours be.</summary>
    /// <param name="what">For the failure text.</param>
    /// <param name="exact">In float64.</param>
    /// <param name="actual">Ours.</param>
    /// <param name="magnitude">How large the parts are of which the numbers are made.</param>
    /// <param name="sixteen">Whether a 16-bit input has rounded the result to 16 bits.</param>
    internal static void Assert(string what, Tensor exact, Tensor actual, double magnitude = 1, bool sixteen = false)
    {
        var (e, a) = (exact.detach(), actual.detach());
        double units = a.dtype switch
        {
            ScalarType.Float64 => 5000, // what float64 is compared with is float64 itself
            ScalarType.Float32 => 40,
            _ => 2.2,
        };
        Xunit.Assert.True(sixteen || a.dtype is ScalarType.Float32 or ScalarType.Float64, $"{what} is of {a.dtype}.");
        Close.Assert(what, e, e.to_type(a.dtype), a, (magnitude + e.abs()).nan_to_num(0, 0, 0), units);
    }

    /// <summary>A gradient, which has its input's dtype.</summary>
    internal static void AssertGradient(string what, Tensor exact, Tensor leaf, double magnitude = 1)
    {
        Xunit.Assert.Equal(leaf.dtype, leaf.grad!.dtype);
        Assert($"{what}, gradient", exact, leaf.grad!, magnitude, sixteen: true);
    }

    internal static void AssertNumbers(string what, IEnumerable<long> expected, Tensor actual)
    {
        long[] numbers = TopKGateTests.Numbers(actual), right = [.. expected];
        int wrong = Enumerable.Range(0, Math.Max(numbers.Length, right.Length)).FirstOrDefault(i => i >= numbers.Length || i >= right.Length || numbers[i] != right[i], -1);
        if (wrong >= 0 || actual.dtype != ScalarType.Int64)
        {
            Xunit.Assert.Fail($"{what}: [{string.Join(", ", numbers)}] of {actual.dtype}, where [{string.Join(", ", right)}] is right; the first wrong one at {wrong}.");
        }
    }
}
