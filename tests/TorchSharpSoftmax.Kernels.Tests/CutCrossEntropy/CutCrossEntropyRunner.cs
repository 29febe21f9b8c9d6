namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>What the kernels made of a problem.</summary>
internal sealed record CutCrossEntropyOutcome(CutCrossEntropyRow[] Results, double[] Input, double[] Weight, double[] Bias, double KeptShare)
{
    internal void AssertSameBits(CutCrossEntropyOutcome other, string what)
    {
        Assert.True(Results.AsSpan().SequenceEqual(other.Results), $"{what}: results differ");
        Assert.True(Input.AsSpan().SequenceEqual(other.Input), $"{what}: input gradients differ");
        Assert.True(Weight.AsSpan().SequenceEqual(other.Weight), $"{what}: weight gradients differ");
        Assert.True(Bias.AsSpan().SequenceEqual(other.Bias), $"{what}: bias gradients differ");
    }
}

/// <summary>Calls the kernels on guarded memory, in one of their two modes.</summary>
internal sealed unsafe class CutCrossEntropyRunner<S, E>(int inputs, int weights, int rows, int classes) : IDisposable
    where S : unmanaged
    where E : IElement<S>
{
    private readonly GuardedMemory<S> _input = new(inputs), _weight = new(weights), _dInput = new(inputs), _probabilities = new((nint)rows * classes);
    private readonly GuardedMemory<float> _singles = new(weights + (4 * classes));
    private readonly GuardedMemory<double> _doubles = new(weights + (4 * classes));
    private readonly GuardedMemory<CutCrossEntropyRow> _results = new(rows);

    public void Dispose()
    {
        foreach (IDisposable memory in (IDisposable[])[_input, _weight, _dInput, _probabilities, _singles, _doubles, _results])
        {
            memory.Dispose();
        }
    }

    internal CutCrossEntropyOutcome Run(
        CutCrossEntropyProblem problem, bool recompute, int threads = 1, long workspace = 1L << 40, CutCrossEntropyFilter filter = default, bool input = true, bool weight = true,
        Placement placement = Placement.Ending, CutSaved? saved = null) =>
        typeof(S) == typeof(double)
            ? Run<double, DoubleElement>(_doubles, problem, recompute, threads, workspace, filter, input, weight, placement, saved)
            : Run<float, FloatElement>(_singles, problem, recompute, threads, workspace, filter, input, weight, placement, saved);

    private CutCrossEntropyOutcome Run<T, A>(
        GuardedMemory<T> memory, CutCrossEntropyProblem problem, bool recompute, int threads, long workspace, CutCrossEntropyFilter filter, bool wantsInput, bool wantsWeight,
        Placement placement, CutSaved? saved)
        where T : unmanaged
        where A : IElement<T>
    {
        T[] bias = Elements.From<T, A>(problem.Bias ?? []), classWeight = Elements.From<T, A>(problem.ClassWeight ?? []), dBias = new T[problem.Classes];
        S[] x = Elements.From<S, E>(problem.Input), w = Elements.From<S, E>(problem.Weight);
        GuardedRow<S> input = _input.Row(x, placement), weight = _weight.Row(w, placement), dInput = _dInput.Row(x.Length, placement);
        GuardedRow<S> probabilities = _probabilities.Row(Elements.From<S, E>(problem.Probabilities ?? []), placement);
        GuardedRow<T> dWeight = memory.Row(w.Length, placement);
        GuardedRow<CutCrossEntropyRow> results = _results.Row(problem.Rows, Placement.Ending);
        dInput.Span.Clear();
        long kept = 0, all = 1;
        fixed (long* index = problem.RowIndex, targets = problem.Targets)
        fixed (double* shares = problem.Shares)
        fixed (T* pb = bias, pc = classWeight, db = dBias)
        fixed (CutCrossEntropyUpstream* upstream = problem.Upstream)
        {
            var task = new CutCrossEntropyTask
            {
                Link = problem.Link,
                Features = problem.Features,
                Classes = problem.Classes,
                Rows = problem.Rows,
                Input = input.Pointer,
                RowIndex = index,
                Weight = weight.Pointer,
                Bias = pb,
                ClassWeight = pc,
                TargetsPerRow = problem.Probabilities is null ? problem.TargetsPerRow : 0,
                Targets = targets,
                Shares = shares,
                Probabilities = problem.Probabilities is null ? null : probabilities.Pointer,
                Softcap = problem.Softcap,
                Scale = problem.Scale,
                Smoothing = problem.Smoothing,
                WantsEntropy = problem.WantsEntropy,
                WantsArgmax = true,
            };
            var gradients = new CutCrossEntropyGradients(wantsInput ? (nint)dInput.Pointer : 0, wantsWeight ? (nint)dWeight.Pointer : 0, problem.Bias is null ? 0 : (nint)db);
            if (recompute)
            {
                CutCrossEntropyKernels.Forward<S>(task, results.Pointer, workspace, threads, saved);
                CutCrossEntropyUpstream[] whole = [.. problem.Upstream.Select((u, i) => u with { OfLogSumExp = u.OfLogSumExp + (2 * problem.Squares * results.Span[i].LogSumExp) })];
                fixed (CutCrossEntropyUpstream* ofAll = whole)
                {
                    (kept, all) = CutCrossEntropyKernels.Backward<S>(task, results.Pointer, ofAll, gradients, filter, workspace, threads, saved);
                }
            }
            else
            {
                (kept, all) = CutCrossEntropyKernels.ForwardBackward<S>(task, results.Pointer, upstream, problem.Squares, gradients, filter, workspace, threads);
            }
        }

        foreach (GuardedRow<S> row in (GuardedRow<S>[])[input, weight, dInput, probabilities])
        {
            row.AssertNothingElseWritten($"{problem}");
        }

        dWeight.AssertNothingElseWritten($"{problem}: weight gradient");
        results.AssertNothingElseWritten($"{problem}: results");
        Bits.AssertSame<S>($"{problem}: its input", x, input.Span);
        Bits.AssertSame<S>($"{problem}: its weight", w, weight.Span);
        return new(results.Span.ToArray(), Elements.ToDoubles<S, E>(dInput.Span), Elements.ToDoubles<T, A>(dWeight.Span), Elements.ToDoubles<T, A>(dBias), all == 0 ? 1 : (double)kept / all);
    }
}
