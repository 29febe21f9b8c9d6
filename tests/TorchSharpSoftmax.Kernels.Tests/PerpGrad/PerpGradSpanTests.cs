using static TorchSharpSoftmax.Kernels.Tests.Refusals;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The public method on spans refuses what does not fit before a pointer is taken, by the argument's name.</summary>
public sealed class PerpGradSpanTests
{
    private static readonly float[] X = [1, 2, 3, 4];

    [Fact]
    public void A_layout_that_the_spans_do_not_hold()
    {
        Refuses("w", "'w' has 4 elements; 6 are required.", () => PerpGradKernels.Project<float>(X, X, new float[4], 2, 3));
        Refuses("g", "'g' has 3 elements; 4 are required.", () => PerpGradKernels.Project<float>(X, new float[3], new float[4], 1, 4));
        Refuses("y", "'y' has 5 elements; 4 are required.", () => PerpGradKernels.Project<float>(X, X, new float[5], 1, 4));
        Refuses("rows", "'rows' is -1; 0 or more is required.", () => PerpGradKernels.Project<float>(X, X, new float[4], -1, -4));
        Refuses("length", "'length' is -4; 0 or more is required.", () => PerpGradKernels.Project<float>(X, X, new float[4], 1, -4));
        PerpGradKernels.Project<float>([], [], [], 0, 7);
        PerpGradKernels.Project<float>([], [], [], 7, 0);
    }

    [Fact]
    public void Memory_that_overlaps_in_part()
    {
        var memory = new float[8];
        Refuses("y", "'y' overlaps an input;", () => PerpGradKernels.Project<float>(memory.AsSpan(0, 4), X, memory.AsSpan(2, 4), 1, 4));
        Refuses("y", "'y' overlaps an input;", () => PerpGradKernels.Project<float>(X, memory.AsSpan(0, 4), memory.AsSpan(2, 4), 1, 4));
        float[] g = [4, 3, 2, 1], y = new float[4], weight = [1, 2, 3, 4];
        PerpGradKernels.Project<float>(X, g, y, 1, 4);
        PerpGradKernels.Project<float>(weight, g, weight, 1, 4); // over the weight
        PerpGradKernels.Project<float>(X, g, g, 1, 4); // over the gradient
        Assert.Equal(y, g);
        Assert.Equal(y, weight);
    }

    [Fact]
    public void Options_types_and_threads_that_are_none()
    {
        Refuses("T", "'T' is System.Int32;", () => PerpGradKernels.Project<int>(new int[4], new int[4], new int[4], 1, 4));
        Refuses("eps", "'eps' is -1; 0 or more is required.", () => PerpGradKernels.Project<float>(X, X, new float[4], 1, 4, eps: -1));
        Refuses("eps", "'eps' is NaN; 0 or more is required.", () => PerpGradKernels.Project<float>(X, X, new float[4], 1, 4, eps: double.NaN));
        Refuses("strength", "'strength' is 1.5; 0 to 1 is required.", () => PerpGradKernels.Project<float>(X, X, new float[4], 1, 4, strength: 1.5));
        Refuses("threads", "'threads' is 0; at least 1 is required.", () => PerpGradKernels.Project<float>(X, X, new float[4], 1, 4, threads: 0));
    }
}
