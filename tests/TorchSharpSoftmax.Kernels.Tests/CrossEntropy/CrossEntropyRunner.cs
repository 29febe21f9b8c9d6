namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Calls the kernels, forward and then backward, on guarded memory only, and sees to it that inputs stay as they were and nothing else is written.</summary>
internal sealed unsafe class CrossEntropyRunner<S, E>(int elements, int rows) : IDisposable
    where S : unmanaged
    where E : IElement<S>
{
    private readonly GuardedMemory<S> _x = new(elements), _dx = new(elements), _t = new(elements), _dy = new(rows);
    private readonly GuardedMemory<long> _classes = new(rows);
    private readonly GuardedMemory<float> _singleWeight = new(elements);
    private readonly GuardedMemory<double> _doubleWeight = new(elements), _losses = new(rows);
    private readonly GuardedMemory<CrossEntropyRow> _saved = new(rows);

    public void Dispose()
    {
        foreach (IDisposable memory in (IDisposable[])[_x, _dx, _t, _dy, _classes, _singleWeight, _doubleWeight, _losses, _saved])
        {
            memory.Dispose();
        }
    }

    internal (double[] Losses, double[] Gradient) Run(CrossEntropyProblem problem, Placement placement, bool inPlace = false, int threads = 1)
    {
        S[] x = Elements.From<S, E>(problem.X), t = Elements.From<S, E>(problem.Probabilities ?? []), dy = Elements.From<S, E>(problem.Dy);
        GuardedRow<S> logits = _x.Row(x, placement), probabilities = _t.Row(t, placement), upstream = _dy.Row(dy, placement);
        GuardedRow<long> classes = _classes.Row(problem.Classes ?? [], placement);
        void* weight = problem.Weight is not { } w ? null
            : typeof(S) == typeof(double) ? _doubleWeight.Row(w, placement).Pointer
            : _singleWeight.Row(Elements.From<float, FloatElement>(w), placement).Pointer;
        var targets = new CrossEntropyTargets(
            problem.Classes is null ? null : classes.Pointer, problem.Probabilities is null ? null : probabilities.Pointer, weight, problem.Length, problem.Ignored,
            problem.Smoothing);

        GuardedRow<double> losses = _losses.Row(problem.Rows, placement);
        GuardedRow<CrossEntropyRow> saved = _saved.Row(problem.Rows, Placement.Ending);
        CrossEntropyKernels.Forward(problem.Link, logits.Pointer, targets, losses.Pointer, saved.Pointer, problem.Rows, threads);
        Bits.AssertSame<S>($"{problem}: its logits", x, logits.Span);
        Assert.Equal(losses.Span.ToArray().Sum(), CrossEntropyKernels.Sum(losses.Pointer, problem.Rows), (a, b) => a.Equals(b) || Math.Abs(a - b) <= 1e-12 * losses.Span.ToArray().Sum(Math.Abs));

        GuardedRow<S> dx = inPlace ? logits : _dx.Row(x.Length, placement);
        CrossEntropyKernels.Backward(
            problem.Link, logits.Pointer, targets, saved.Pointer, upstream.Pointer, dy.Length == 1 ? 0 : 1, problem.Divisor, dx.Pointer, problem.Rows, threads);
        foreach (GuardedRow<S> row in (GuardedRow<S>[])[logits, dx, probabilities, upstream])
        {
            row.AssertNothingElseWritten($"{problem}");
        }

        losses.AssertNothingElseWritten($"{problem}: losses");
        saved.AssertNothingElseWritten($"{problem}: saved");
        Bits.AssertSame<S>($"{problem}: its targets", t, probabilities.Span);
        Bits.AssertSame<S>($"{problem}: its upstream gradient", dy, upstream.Span);
        if (!inPlace)
        {
            Bits.AssertSame<S>($"{problem}: its logits", x, logits.Span);
        }

        return (losses.Span.ToArray(), Elements.ToDoubles<S, E>(dx.Span));
    }
}
