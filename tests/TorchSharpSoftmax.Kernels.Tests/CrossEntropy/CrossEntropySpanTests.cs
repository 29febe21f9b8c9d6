using System.Runtime.InteropServices;
using static TorchSharpSoftmax.Kernels.Tests.Refusals;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The public methods on spans: the kernels' results, and refusals by the argument's name.</summary>
public sealed class CrossEntropySpanTests
{
    private static readonly float[] X = [1, 2, 3, -4, 0, 0.5f];

    private static readonly float[] OneHot = [0, 0, 1, 1, 0, 0];

    private static readonly long[] Classes = [2, 0];

    [Theory]
    [InlineData(CrossEntropyLink.StableMax)]
    [InlineData(CrossEntropyLink.Softmax)]
    public void One_hot_probabilities_and_class_numbers_give_the_same_and_gradients_sum_up(CrossEntropyLink link)
    {
        double[] byClass = new double[2], byProbability = new double[2];
        var saved = new CrossEntropyRow[2];
        float[] first = new float[6], second = new float[6];
        CrossEntropyKernels.Forward<float>(link, X, Classes, byClass, saved, 3, threads: 2);
        CrossEntropyKernels.Backward<float>(link, X, Classes, saved, [1], first, 3, divisor: 2);
        CrossEntropyKernels.Forward<float>(link, X, OneHot, byProbability, saved, 3);
        CrossEntropyKernels.Backward<float>(link, X, OneHot, saved, [1], second, 3, divisor: 2);
        Assert.All(byClass.Zip(byProbability), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        Assert.All(first.Zip(second), pair => Assert.Equal(pair.First, pair.Second, 1e-6f));
        for (int row = 0; row < 2; row++)
        {
            double sum = 0;
            for (int i = 0; i < 3; i++)
            {
                sum += first[(3 * row) + i] * (link == CrossEntropyLink.Softmax ? 1 : 1 + Math.Abs(X[(3 * row) + i]));
            }

            Assert.Equal(0, sum, 1e-7);
        }
    }

    [Fact]
    public void Weights_of_16_bit_types_count_as_they_are()
    {
        double[] narrow = new double[2], brain = new double[2], wide = new double[2];
        var saved = new CrossEntropyRow[2];
        Half[] halves = [.. X.Select(x => (Half)x)];
        BFloat16[] brains = [.. X.Select(x => (BFloat16)x)];
        CrossEntropyKernels.Forward<float>(CrossEntropyLink.StableMax, X, Classes, wide, saved, 3, [0.5f, 1, 4], -100, 0.25);
        CrossEntropyKernels.Forward<Half>(CrossEntropyLink.StableMax, halves, Classes, narrow, saved, 3, [(Half)0.5f, Half.One, (Half)4], -100, 0.25);
        CrossEntropyKernels.Forward<BFloat16>(
            CrossEntropyLink.StableMax, brains, Classes, brain, saved, 3, [(BFloat16)0.5f, (BFloat16)1, (BFloat16)4], -100, 0.25);
        Assert.Equal(wide, narrow);
        Assert.Equal(wide, brain);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        var losses = new double[2];
        var saved = new CrossEntropyRow[2];
        Refuses("x", "'x' has 6 elements; 8 are required.", () => CrossEntropyKernels.Forward<float>(CrossEntropyLink.Softmax, X, Classes, losses, saved, 4));
        Refuses("losses", "'losses' has 1 elements; 2 are required.", () => CrossEntropyKernels.Forward<float>(CrossEntropyLink.Softmax, X, Classes, new double[1], saved, 3));
        Refuses("saved", "'saved' has 1 elements; 2 are required.", () => CrossEntropyKernels.Forward<float>(CrossEntropyLink.Softmax, X, Classes, losses, saved.AsSpan(1), 3));
        Refuses("weight", "'weight' has 2 elements; 3 are required.", () => CrossEntropyKernels.Forward<float>(CrossEntropyLink.Softmax, X, Classes, losses, saved, 3, [1, 2]));
        Refuses("target", "'target' is 3 at [1]; 0 to 2, or ignoreIndex (-100), is required.", () => CrossEntropyKernels.Forward<float>(CrossEntropyLink.Softmax, X, [0, 3], losses, saved, 3));
        Refuses("target", "'target' has 5 elements; 6 are required.", () => CrossEntropyKernels.Forward<float>(CrossEntropyLink.Softmax, X, X.AsSpan(1), losses, saved, 3));
        Refuses("labelSmoothing", "'labelSmoothing' is 2; 0 to 1 is required.", () => CrossEntropyKernels.Forward<float>(CrossEntropyLink.Softmax, X, Classes, losses, saved, 3, labelSmoothing: 2));
        Refuses("link", "'link' is 7; StableMax or Softmax is required.", () => CrossEntropyKernels.Forward<float>((CrossEntropyLink)7, X, Classes, losses, saved, 3));
        Refuses("T", "'T' is System.Int32;", () => CrossEntropyKernels.Forward<int>(CrossEntropyLink.Softmax, new int[6], Classes, losses, saved, 3));
        Refuses("threads", "'threads' is 0; at least 1 is required.", () => CrossEntropyKernels.Forward<float>(CrossEntropyLink.Softmax, X, Classes, losses, saved, 3, threads: 0));
        Refuses("dy", "'dy' has 3 elements; 2 are required.", () => CrossEntropyKernels.Backward<float>(CrossEntropyLink.Softmax, X, Classes, saved, [1, 2, 3], new float[6], 3));
        Refuses("dx", "'dx' has 5 elements; 6 are required.", () => CrossEntropyKernels.Backward<float>(CrossEntropyLink.Softmax, X, Classes, saved, [1], new float[5], 3));
        var memory = new float[12];
        Refuses("dx", "'dx' overlaps an input;", () => CrossEntropyKernels.Backward<float>(
            CrossEntropyLink.Softmax, memory.AsSpan(0, 6), Classes, saved, [1], memory.AsSpan(3, 6), 3));
        Refuses("dx", "'dx' overlaps an input other than x;", () => CrossEntropyKernels.Backward<float>(
            CrossEntropyLink.Softmax, X, memory.AsSpan(0, 6), saved, [1], memory.AsSpan(0, 6), 3));
        var doubles = new double[8];
        Refuses("losses", "'losses' overlaps an input;", () => CrossEntropyKernels.Forward<double>(
            CrossEntropyLink.Softmax, doubles.AsSpan(0, 6), Classes, doubles.AsSpan(5, 2), saved, 3));
        Refuses("losses", "'losses' overlaps an input;", () => CrossEntropyKernels.Forward<double>(
            CrossEntropyLink.Softmax, new double[6], doubles.AsSpan(0, 6), doubles.AsSpan(5, 2), saved, 3));
        Refuses("losses", "'losses' overlaps an input;", () => CrossEntropyKernels.Forward<double>(
            CrossEntropyLink.Softmax, new double[6], Classes, doubles.AsSpan(2, 2), saved, 3, doubles.AsSpan(0, 3)));
        Refuses("saved", "'saved' overlaps an input;", () => CrossEntropyKernels.Forward<double>(
            CrossEntropyLink.Softmax, doubles.AsSpan(0, 6), Classes, losses, MemoryMarshal.Cast<double, CrossEntropyRow>(doubles.AsSpan(1, 6)), 3));
    }
}
