using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The forward operators of the family.</summary>
public enum Forward
{
    Softmax,
    LogSoftmax,
    LogSumExp,
}

/// <summary>The backward operators of the family.</summary>
public enum Backward
{
    Softmax,
    LogSoftmax,
    LogSumExp,
}

/// <summary>Calls the kernels on guarded memory only, and sees to it that inputs stay as they were and nothing else is written.</summary>
/// <remarks>Results come back as doubles, which hold every element exactly. A log-sum-exp has the arithmetic's type: float for the 16-bit types.</remarks>
internal sealed unsafe class SoftmaxRunner<S, E>(int capacity) : IDisposable
    where S : unmanaged
    where E : IElement<S>
{
    private readonly GuardedMemory<S> _x = new(capacity), _y = new(capacity), _dy = new(capacity), _dx = new(capacity);
    private readonly GuardedMemory<float> _singleSums = new(capacity);
    private readonly GuardedMemory<double> _doubleSums = new(capacity);

    public void Dispose()
    {
        _x.Dispose();
        _y.Dispose();
        _dy.Dispose();
        _dx.Dispose();
        _singleSums.Dispose();
        _doubleSums.Dispose();
    }

    /// <summary>The operator's result; <paramref name="inPlace"/> writes it over the input.</summary>
    internal double[] Run(
        Forward op, S[] x, Shape shape, SoftmaxAlgorithm algorithm, Placement placement = Placement.Ending, bool inPlace = false, int threads = 1)
    {
        string what = $"{op} {shape} {algorithm}";
        GuardedRow<S> source = _x.Row(x, placement);
        if (op == Forward.LogSumExp)
        {
            double[] sums = typeof(S) == typeof(double)
                ? LogSumExp<double, DoubleElement>(_doubleSums, source, shape, placement, threads)
                : LogSumExp<float, FloatElement>(_singleSums, source, shape, placement, threads);
            source.AssertNothingElseWritten(what);
            AssertSame($"{what}: its input", x, source.Span);
            return sums;
        }

        GuardedRow<S> target = inPlace ? source : _y.Row(shape.Count, placement);
        if (op == Forward.Softmax)
        {
            SoftmaxKernels.Softmax(source.Pointer, target.Pointer, shape.Outer, shape.Length, shape.Inner, algorithm, threads);
        }
        else
        {
            SoftmaxKernels.LogSoftmax(source.Pointer, target.Pointer, shape.Outer, shape.Length, shape.Inner, algorithm, threads);
        }

        source.AssertNothingElseWritten(what);
        target.AssertNothingElseWritten(what);
        if (!inPlace)
        {
            AssertSame($"{what}: its input", x, source.Span);
        }

        return Elements.ToDoubles<S, E>(target.Span);
    }

    /// <summary>Softmax and log-softmax take (y, -, dy); log-sum-exp takes (x, lse, dy). <paramref name="over"/>: whose memory the result is written to.</summary>
    internal double[] Run(Backward op, S[] y, double[] lse, S[] dy, Shape shape, Over over = Over.Nothing, Placement placement = Placement.Ending, int threads = 1)
    {
        GuardedRow<S> source = _y.Row(y, placement), gradient = _dy.Row(dy, placement);
        GuardedRow<S> target = over switch
        {
            Over.Gradient => gradient,
            Over.Output => source,
            _ => _dx.Row(shape.Count, placement),
        };
        switch (op)
        {
            case Backward.Softmax:
                SoftmaxKernels.SoftmaxBackward(source.Pointer, gradient.Pointer, target.Pointer, shape.Outer, shape.Length, shape.Inner, threads);
                break;
            case Backward.LogSoftmax:
                SoftmaxKernels.LogSoftmaxBackward(source.Pointer, gradient.Pointer, target.Pointer, shape.Outer, shape.Length, shape.Inner, threads);
                break;
            default:
                void* sums = typeof(S) == typeof(double)
                    ? _doubleSums.Row(lse, placement).Pointer
                    : _singleSums.Row(Elements.From<float, FloatElement>(lse), placement).Pointer;
                SoftmaxKernels.LogSumExpBackward(
                    source.Pointer, sums, gradient.Pointer, target.Pointer, shape.Outer, shape.Length, shape.Inner, threads);
                break;
        }

        string what = $"{op} backward {shape} over {over}";
        source.AssertNothingElseWritten(what);
        gradient.AssertNothingElseWritten(what);
        target.AssertNothingElseWritten(what);
        if (over != Over.Output)
        {
            AssertSame($"{what}: y", y, source.Span);
        }

        if (over != Over.Gradient)
        {
            AssertSame($"{what}: dy", dy, gradient.Span);
        }

        return Elements.ToDoubles<S, E>(target.Span);
    }

    private static double[] LogSumExp<T, F>(GuardedMemory<T> memory, GuardedRow<S> source, Shape shape, Placement placement, int threads)
        where T : unmanaged
        where F : IElement<T>
    {
        GuardedRow<T> sums = memory.Row(shape.Rows, placement);
        SoftmaxKernels.LogSumExp(source.Pointer, sums.Pointer, shape.Outer, shape.Length, shape.Inner, threads);
        sums.AssertNothingElseWritten($"LogSumExp {shape}");
        return Elements.ToDoubles<T, F>(sums.Span);
    }

    private static void AssertSame(string what, S[] expected, Span<S> actual) => Bits.AssertSame<S>(what, expected, actual);
}

/// <summary>Bit for bit equality.</summary>
internal static unsafe class Bits
{
    /// <summary>Says where two rows first differ.</summary>
    internal static void AssertSame<S>(string what, ReadOnlySpan<S> expected, ReadOnlySpan<S> actual)
        where S : unmanaged
    {
        ReadOnlySpan<byte> expectedBytes = MemoryMarshal.AsBytes(expected), actualBytes = MemoryMarshal.AsBytes(actual);
        Assert.Equal(expectedBytes.Length, actualBytes.Length);
        int same = expectedBytes.CommonPrefixLength(actualBytes);
        if (same < expectedBytes.Length)
        {
            int i = same / sizeof(S);
            Assert.Fail($"{what} differs at [{i}] of {expected.Length}: {expected[i]} became {actual[i]}.");
        }
    }
}

/// <summary>Whose memory a gradient is written over.</summary>
internal enum Over
{
    Nothing,
    Gradient,
    Output,
}
