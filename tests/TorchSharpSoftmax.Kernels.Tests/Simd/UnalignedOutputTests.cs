using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>A span may begin between two elements' addresses: no vector store past the caches can begin there, and large outputs are written all the same.</summary>
public sealed class UnalignedOutputTests
{
    private const int Length = 1 << 15, Rows = 130, Count = Length * Rows;

    private static readonly float[] s_x = [.. Samples.Normal(1, Count).Select(x => (float)x)];

    private static readonly float[] s_dy = [.. Samples.Normal(2, Count).Select(x => (float)x)];

    private delegate void Kernel(Span<float> output);

    [Fact]
    public void Softmax() => AssertSame(y => SoftmaxKernels.Softmax<float>(s_x, y, Rows, Length));

    [Fact]
    public void Two_pass_softmax() => AssertSame(y => SoftmaxKernels.Softmax<float>(s_x, y, Rows, Length, algorithm: SoftmaxAlgorithm.TwoPass));

    [Fact]
    public void Log_softmax() => AssertSame(y => SoftmaxKernels.LogSoftmax<float>(s_x, y, Rows, Length));

    [Fact]
    public void Softmax_backward() => AssertSame(dx => SoftmaxKernels.SoftmaxBackward<float>(s_x, s_dy, dx, Rows, Length));

    [Fact]
    public void Log_sum_exp_backward() => AssertSame(dx => SoftmaxKernels.LogSumExpBackward<float, float>(s_x, s_dy.AsSpan(0, Rows), s_dy.AsSpan(0, Rows), dx, Rows, Length));

    [Fact]
    public void Columns_of_softmax() => AssertSame(y => SoftmaxKernels.Softmax<float>(s_x, y, Rows, Length / 64, 64));

    [Fact]
    public void StableMax() => AssertSame(y => StableMaxKernels.StableMax<float>(s_x, y, Rows, Length));

    [Fact]
    public void Log_StableMax() => AssertSame(y => StableMaxKernels.LogStableMax<float>(s_x, y, Rows, Length));

    [Fact]
    public void StableMax_backward() => AssertSame(dx => StableMaxKernels.StableMaxBackward<float>(s_x, s_dy, dx, Rows, Length));

    [Fact]
    public void Cross_entropy_backward()
    {
        var saved = new CrossEntropyRow[Rows];
        long[] target = [.. Enumerable.Range(0, Rows)];
        CrossEntropyKernels.Forward<float>(CrossEntropyLink.Softmax, s_x, target, new double[Rows], saved, Length);
        AssertSame(dx => CrossEntropyKernels.Backward<float>(CrossEntropyLink.Softmax, s_x, target, saved, [1], dx, Length));
    }

    [Fact]
    public void PerpGrad() => AssertSame(y => PerpGradKernels.Project<float>(s_x, s_dy, y, Rows, Length));

    private static void AssertSame(Kernel kernel)
    {
        Span<float> aligned = new float[Count], unaligned = MemoryMarshal.Cast<byte, float>(new byte[(Count * sizeof(float)) + 1].AsSpan(1));
        foreach (int bits in Widths.EachVector())
        {
            kernel(aligned);
            kernel(unaligned);
            Bits.AssertSame<float>($"{bits} bits", aligned, unaligned);
        }
    }
}
