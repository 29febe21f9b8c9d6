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
    private const int MostTargets = 8;

    private readonly GuardedMemory<S> _input = new(inputs), _weight = new(weights), _dInput = new(inputs), _probabilities = new((nint)rows * classes);
    private readonly GuardedMemory<float> _singles = new(weights + (4 * classes));
    private readonly GuardedMemory<double> _doubles = new(weights + (4 * classes));
    private readonly GuardedMemory<float> _singleBias = new(classes), _singleClassWeight = new(classes), _singleDBias = new(classes);
    private readonly GuardedMemory<double> _doubleBias = new(classes), _doubleClassWeight = new(classes), _doubleDBias = new(classes), _shares = new((nint)rows * MostTargets);
    private readonly GuardedMemory<long> _index = new(rows), _targets = new((nint)rows * MostTargets);
    private readonly GuardedMemory<CutCrossEntropyUpstream> _upstream = new(rows);
    private readonly GuardedMemory<CutCrossEntropyRow> _results = new(rows);

    public void Dispose()
    {
        foreach (IDisposable memory in (IDisposable[])[
            _input, _weight, _dInput, _probabilities, _singles, _doubles, _singleBias, _singleClassWeight, _singleDBias, _doubleBias, _doubleClassWeight, _doubleDBias, _shares,
            _index, _targets, _upstream, _results])
        {
            memory.Dispose();
        }
    }

    internal CutCrossEntropyOutcome Run(
        CutCrossEntropyProblem problem, bool recompute, int threads = 1, long workspace = 1L << 40, CutCrossEntropyFilter filter = default, bool input = true, bool weight = true,
        Placement placement = Placement.Ending, CutSaved? saved = null) =>
        typeof(S) == typeof(double)
            ? Run<double, DoubleElement>(_doubles, (_doubleBias, _doubleClassWeight, _doubleDBias), problem, recompute, threads, workspace, filter, input, weight, placement, saved)
            : Run<float, FloatElement>(_singles, (_singleBias, _singleClassWeight, _singleDBias), problem, recompute, threads, workspace, filter, input, weight, placement, saved);

    private CutCrossEntropyOutcome Run<T, A>(
        GuardedMemory<T> memory, (GuardedMemory<T> Bias, GuardedMemory<T> Weight, GuardedMemory<T> Gradient) perClass, CutCrossEntropyProblem problem,
        bool recompute, int threads, long workspace, CutCrossEntropyFilter filter, bool wantsInput, bool wantsWeight,
        Placement placement, CutSaved? saved)
        where T : unmanaged
        where A : IElement<T>
    {
        T[] bias = Elements.From<T, A>(problem.Bias ?? []), classWeight = Elements.From<T, A>(problem.ClassWeight ?? []);
        S[] x = Elements.From<S, E>(problem.Input), w = Elements.From<S, E>(problem.Weight);
        GuardedRow<S> input = _input.Row(x, placement), weight = _weight.Row(w, placement), dInput = _dInput.Row(x.Length, placement);
        GuardedRow<S> probabilities = _probabilities.Row(Elements.From<S, E>(problem.Probabilities ?? []), placement);
        GuardedRow<T> dWeight = memory.Row(w.Length, placement);
        GuardedRow<CutCrossEntropyRow> results = _results.Row(problem.Rows, Placement.Ending);
        GuardedRow<T> ofBias = perClass.Bias.Row(bias, placement), ofWeight = perClass.Weight.Row(classWeight, placement), dBias = perClass.Gradient.Row(problem.Classes, placement);
        GuardedRow<long> index = _index.Row(problem.RowIndex ?? [], placement), targets = _targets.Row(problem.Targets ?? [], placement);
        GuardedRow<double> shares = _shares.Row(problem.Shares ?? [], placement);
        GuardedRow<CutCrossEntropyUpstream> upstream = _upstream.Row(problem.Upstream, placement);
        dInput.Span.Clear();
        dBias.Span.Clear();
        long kept = 0, all = 1;
        using IDisposable working = GuardedBlocks.Enter();
        var task = new CutCrossEntropyTask
        {
            Link = problem.Link,
            Features = problem.Features,
            Classes = problem.Classes,
            Rows = problem.Rows,
            Input = input.Pointer,
            RowIndex = index.Pointer,
            Weight = weight.Pointer,
            Bias = OrNull(ofBias),
            ClassWeight = OrNull(ofWeight),
            TargetsPerRow = problem.Probabilities is null ? problem.TargetsPerRow : 0,
            Targets = OrNull(targets),
            Shares = OrNull(shares),
            Probabilities = problem.Probabilities is null ? null : probabilities.Pointer,
            Softcap = problem.Softcap,
            Scale = problem.Scale,
            Smoothing = problem.Smoothing,
            WantsEntropy = problem.WantsEntropy,
            WantsArgmax = true,
        };
        var gradients = new CutCrossEntropyGradients(wantsInput ? (nint)dInput.Pointer : 0, wantsWeight ? (nint)dWeight.Pointer : 0, problem.Bias is null ? 0 : (nint)dBias.Pointer);
        if (recompute)
        {
            CutCrossEntropyKernels.Forward<S>(task, results.Pointer, workspace, threads, saved);
            for (int i = 0; i < problem.Upstream.Length; i++)
            {
                upstream.Span[i] = problem.Upstream[i] with { OfLogSumExp = problem.Upstream[i].OfLogSumExp + (2 * problem.Squares * results.Span[i].LogSumExp) };
            }

            (kept, all) = CutCrossEntropyKernels.Backward<S>(task, results.Pointer, upstream.Pointer, gradients, filter, workspace, threads, saved);
        }
        else
        {
            (kept, all) = CutCrossEntropyKernels.ForwardBackward<S>(task, results.Pointer, upstream.Pointer, problem.Squares, gradients, filter, workspace, threads);
        }

        foreach (GuardedRow<S> row in (GuardedRow<S>[])[input, weight, dInput, probabilities])
        {
            row.AssertNothingElseWritten($"{problem}");
        }

        foreach (GuardedRow<T> row in (GuardedRow<T>[])[dWeight, ofBias, ofWeight, dBias])
        {
            row.AssertNothingElseWritten($"{problem}: a gradient, or what counts per class");
        }

        index.AssertNothingElseWritten($"{problem}: rows");
        targets.AssertNothingElseWritten($"{problem}: targets");
        shares.AssertNothingElseWritten($"{problem}: shares");
        upstream.AssertNothingElseWritten($"{problem}: upstream gradients");
        results.AssertNothingElseWritten($"{problem}: results");
        Bits.AssertSame<S>($"{problem}: its input", x, input.Span);
        Bits.AssertSame<S>($"{problem}: its weight", w, weight.Span);
        return new(results.Span.ToArray(), Elements.ToDoubles<S, E>(dInput.Span), Elements.ToDoubles<T, A>(dWeight.Span), Elements.ToDoubles<T, A>(dBias.Span), all == 0 ? 1 : (double)kept / all);
    }

    private static T* OrNull<T>(GuardedRow<T> row) where T : unmanaged => row.Length == 0 ? null : row.Pointer;
}
