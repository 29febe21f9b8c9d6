namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Calls StableMax's kernels on guarded memory only, and sees to it that inputs stay as they were and nothing else is written.</summary>
internal sealed unsafe class StableMaxRunner<S, E>(int capacity) : IDisposable
    where S : unmanaged
    where E : IElement<S>
{
    private readonly GuardedMemory<S> _x = new(capacity), _y = new(capacity), _dy = new(capacity);

    public void Dispose()
    {
        _x.Dispose();
        _y.Dispose();
        _dy.Dispose();
    }

    /// <summary>The operator's result; <paramref name="inPlace"/> writes it over the input.</summary>
    internal double[] Forward(bool log, S[] x, Shape shape, Placement placement = Placement.Ending, bool inPlace = false, int threads = 1)
    {
        GuardedRow<S> source = _x.Row(x, placement), target = inPlace ? source : _y.Row(shape.Count, placement);
        if (log)
        {
            StableMaxKernels.LogStableMax(source.Pointer, target.Pointer, shape.Outer, shape.Length, shape.Inner, threads);
        }
        else
        {
            StableMaxKernels.StableMax(source.Pointer, target.Pointer, shape.Outer, shape.Length, shape.Inner, threads);
        }

        string what = $"log {log} {shape}";
        source.AssertNothingElseWritten(what);
        target.AssertNothingElseWritten(what);
        if (!inPlace)
        {
            Bits.AssertSame<S>($"{what}: its input", x, source.Span);
        }

        return Elements.ToDoubles<S, E>(target.Span);
    }

    /// <summary>The gradient; <paramref name="over"/>: whose memory it is written to, the output standing for x.</summary>
    internal double[] Backward(bool log, S[] x, S[] dy, Shape shape, Over over = Over.Nothing, Placement placement = Placement.Ending, int threads = 1)
    {
        GuardedRow<S> source = _x.Row(x, placement), gradient = _dy.Row(dy, placement);
        GuardedRow<S> target = over switch
        {
            Over.Gradient => gradient,
            Over.Output => source,
            _ => _y.Row(shape.Count, placement),
        };
        if (log)
        {
            StableMaxKernels.LogStableMaxBackward(source.Pointer, gradient.Pointer, target.Pointer, shape.Outer, shape.Length, shape.Inner, threads);
        }
        else
        {
            StableMaxKernels.StableMaxBackward(source.Pointer, gradient.Pointer, target.Pointer, shape.Outer, shape.Length, shape.Inner, threads);
        }

        string what = $"backward, log {log} {shape} over {over}";
        source.AssertNothingElseWritten(what);
        gradient.AssertNothingElseWritten(what);
        target.AssertNothingElseWritten(what);
        if (over != Over.Output)
        {
            Bits.AssertSame<S>($"{what}: x", x, source.Span);
        }

        if (over != Over.Gradient)
        {
            Bits.AssertSame<S>($"{what}: dy", dy, gradient.Span);
        }

        return Elements.ToDoubles<S, E>(target.Span);
    }
}
