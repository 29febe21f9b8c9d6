using static TorchSharpSoftmax.Kernels.Tests.Refusals;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The public methods on spans: they compute, and refuse what does not fit before a pointer is taken, by the argument's name.</summary>
public sealed class StableMaxSpanTests
{
    private static readonly float[] X = [1, -1, 0, 2];

    [Fact]
    public void Spans_give_the_numbers_of_the_definition()
    {
        // s = 2, 1/2, 1, 3
        var (p, log, dx, dlog) = (new float[4], new float[4], new float[4], new float[4]);
        StableMaxKernels.StableMax<float>(X, p, 1, 4);
        StableMaxKernels.LogStableMax<float>(X, log, 1, 4);
        StableMaxKernels.StableMaxBackward<float>(X, [0, 0, 13, 0], dx, 1, 4); // sum(p dy) = 2
        StableMaxKernels.LogStableMaxBackward<float>(X, [0, 0, 13, 0], dlog, 1, 4);
        AssertNear([4 / 13.0, 1 / 13.0, 2 / 13.0, 6 / 13.0], p);
        AssertNear([Math.Log(4 / 13.0), Math.Log(1 / 13.0), Math.Log(2 / 13.0), Math.Log(6 / 13.0)], log);
        AssertNear([-4 / 13.0, -1 / 13.0, 22 / 13.0, -4 / 13.0], dx);
        AssertNear([-2, -0.5, 11, -2], dlog);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var memory = new float[8];
        Refuses("x", "'x' has 4 elements; 6 are required.", () => StableMaxKernels.StableMax<float>(X, new float[4], 2, 3));
        Refuses("y", "'y' has 3 elements; 4 are required.", () => StableMaxKernels.LogStableMax<float>(X, new float[3], 1, 4));
        Refuses("dy", "'dy' has 3 elements; 4 are required.", () => StableMaxKernels.StableMaxBackward<float>(X, new float[3], new float[4], 1, 4));
        Refuses("dx", "'dx' has 5 elements; 4 are required.", () => StableMaxKernels.LogStableMaxBackward<float>(X, X, new float[5], 1, 4));
        Refuses("inner", "'inner' is -1; 0 or more is required.", () => StableMaxKernels.StableMax<float>(X, new float[4], 1, 4, -1));
        Refuses("y", "'y' overlaps an input;", () => StableMaxKernels.StableMax<float>(memory.AsSpan(0, 4), memory.AsSpan(2, 4), 1, 4));
        Refuses("dx", "'dx' overlaps an input;", () => StableMaxKernels.StableMaxBackward<float>(X, memory.AsSpan(0, 4), memory.AsSpan(1, 4), 1, 4));
        Refuses("dx", "'dx' overlaps an input;", () => StableMaxKernels.LogStableMaxBackward<float>(memory.AsSpan(0, 4), X, memory.AsSpan(1, 4), 1, 4));
        Refuses("T", "'T' is System.Int32;", () => StableMaxKernels.StableMax<int>(new int[4], new int[4], 1, 4));
        Refuses("threads", "'threads' is 0; at least 1 is required.", () => StableMaxKernels.LogStableMax<float>(X, new float[4], 1, 4, threads: 0));
        Refuses("threads", "'threads' is -1; at least 1 is required.", () => StableMaxKernels.StableMaxBackward<float>(X, X, new float[4], 1, 4, threads: -1));
    }

    private static void AssertNear(double[] expected, float[] actual) =>
        Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 4 * FloatFormat.Float.Ulp(Math.Max(1, Math.Abs(pair.First)))));
}
