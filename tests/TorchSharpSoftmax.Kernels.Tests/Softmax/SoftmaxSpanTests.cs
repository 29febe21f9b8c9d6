using static TorchSharpSoftmax.Kernels.Tests.Refusals;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The public methods on spans refuse what does not fit before a pointer is taken, by the argument's name.</summary>
public sealed class SoftmaxSpanTests
{
    private static readonly nint Huge = (nint)1 << 40;

    private static readonly float[] X = [1, 2, 3, 4];

    [Fact]
    public void A_layout_that_the_span_does_not_hold()
    {
        Refuses("x", "'x' has 4 elements; 6 are required.", () => SoftmaxKernels.Softmax<float>(X, new float[4], 2, 3));
        Refuses("y", "'y' has 3 elements; 4 are required.", () => SoftmaxKernels.LogSoftmax<float>(X, new float[3], 1, 4));
        Refuses("outer", "'outer' is -1; 0 or more is required.", () => SoftmaxKernels.Softmax<float>(X, new float[4], -1, -4));
        Refuses("dx", "'dx' has 3 elements; 4 are required.", () => SoftmaxKernels.SoftmaxBackward<float>(X, X, new float[3], 1, 4));
    }

    [Fact]
    public void A_layout_larger_than_any_memory()
    {
        Refuses("x", "'x' has 4 elements;", () => SoftmaxKernels.Softmax<float>(X, new float[4], Huge, Huge, Huge));
        Refuses("lse", "'lse' has 0 elements;", () => SoftmaxKernels.LogSumExp<float, float>([], [], Huge, 0, Huge));
        Refuses("lse", "'lse' has 0 elements;", () => SoftmaxKernels.LogSumExpBackward<float, float>([], [], [], [], Huge, 0, Huge));
        SoftmaxKernels.Softmax<float>([], [], Huge, Huge, 0);
        SoftmaxKernels.Softmax<float>([], [], Huge, 0, Huge);
    }

    [Fact]
    public void Memory_that_overlaps_in_part()
    {
        var memory = new float[8];
        Refuses("y", "'y' overlaps an input;", () => SoftmaxKernels.Softmax<float>(memory.AsSpan(0, 4), memory.AsSpan(2, 4), 1, 4));
        SoftmaxKernels.Softmax<float>(memory.AsSpan(0, 4), memory.AsSpan(4, 4), 1, 4);
        SoftmaxKernels.Softmax<float>(memory, memory, 2, 4);
        Assert.All(memory, y => Assert.Equal(.25f, y));
    }

    [Fact]
    public void Types_threads_and_algorithms_that_are_none()
    {
        Refuses("T", "'T' is System.Int32;", () => SoftmaxKernels.Softmax<int>(new int[4], new int[4], 1, 4));
        Refuses("TLse", "'TLse' is System.Double;", () => SoftmaxKernels.LogSumExp<float, double>(X, new double[1], 1, 4));
        Refuses("threads", "'threads' is 0; at least 1 is required.", () => SoftmaxKernels.Softmax<float>(X, new float[4], 1, 4, threads: 0));
        Refuses(
            "algorithm", "'algorithm' is 9; Auto, TwoPass or ThreePass is required.",
            () => SoftmaxKernels.Softmax<float>(X, new float[4], 1, 4, algorithm: (SoftmaxAlgorithm)9));
    }
}
