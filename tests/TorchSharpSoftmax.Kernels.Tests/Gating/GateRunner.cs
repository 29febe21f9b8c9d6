namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>What a gate wrote.</summary>
internal sealed record GateResult(double[] Weights, long[] Indices, long[] Counts, double[] Lse, double[] Mean, double[] State);

/// <summary>Calls the gate's kernels on guarded memory only, and sees to it that inputs stay as they were and nothing else is written.</summary>
internal sealed unsafe class GateRunner<S, E, C, F>(int logits, int kept, int experts) : IDisposable
    where S : unmanaged
    where E : IElement<S>
    where C : unmanaged
    where F : IElement<C>
{
    private readonly GuardedMemory<S> _x = new(logits), _dx = new(logits);
    private readonly GuardedMemory<C> _weights = new(kept), _dweights = new(kept), _lse = new(kept), _state = new(3 * kept), _mean = new(experts), _bias = new(experts);
    private readonly GuardedMemory<long> _indices = new(kept), _counts = new(experts);

    public void Dispose()
    {
        _x.Dispose();
        _dx.Dispose();
        _weights.Dispose();
        _dweights.Dispose();
        _lse.Dispose();
        _state.Dispose();
        _mean.Dispose();
        _bias.Dispose();
        _indices.Dispose();
        _counts.Dispose();
    }

    /// <summary>Without statistics there is no lse, mean nor state.</summary>
    internal GateResult Forward(
        S[] x, C[] bias, GateShape shape, GateRule rule, bool statistics = true, Placement placement = Placement.Ending, int threads = 1)
    {
        GuardedRow<S> source = _x.Row(x, placement);
        GuardedRow<C> ofBias = _bias.Row(bias, placement), weights = _weights.Row(shape.Tokens * shape.Kept, placement);
        GuardedRow<C> lse = _lse.Row(statistics ? shape.Tokens : 0, placement), mean = _mean.Row(statistics ? shape.Experts : 0, placement);
        GuardedRow<C> state = _state.Row(statistics ? 3 * shape.Tokens : 0, placement);
        GuardedRow<long> indices = _indices.Row(shape.Tokens * shape.Kept, placement), counts = _counts.Row(shape.Experts, placement);
        state.Span.Clear(); // only Sigmoid writes all of it
        counts.Span.Fill(-1);
        using IDisposable working = GuardedBlocks.Enter();
        GateKernels.TopK<S>(
            new()
            {
                Shape = shape,
                Rule = rule,
                Logits = source.Pointer,
                Bias = bias.Length == 0 ? null : ofBias.Pointer,
                Weights = weights.Pointer,
                Indices = indices.Pointer,
                Counts = counts.Pointer,
                Lse = statistics ? lse.Pointer : null,
                Mean = statistics ? mean.Pointer : null,
                State = statistics ? state.Pointer : null,
            },
            threads);
        string what = $"{shape} {rule} {placement}";
        source.AssertNothingElseWritten(what);
        foreach (GuardedRow<C> row in (GuardedRow<C>[])[weights, lse, mean, state, ofBias])
        {
            row.AssertNothingElseWritten(what);
        }

        indices.AssertNothingElseWritten(what);
        counts.AssertNothingElseWritten(what);
        Bits.AssertSame<S>($"{what}: its logits", x, source.Span);
        return new(Doubles(weights), indices.Span.ToArray(), counts.Span.ToArray(), Doubles(lse), Doubles(mean), Doubles(state));
    }

    /// <summary>The logits' gradient; empty gradients are not given.</summary>
    internal double[] Backward(
        S[] x, GateResult forward, C[] dweights, C[] dlse, C[] dmean, GateShape shape, GateRule rule, Placement placement = Placement.Ending, int threads = 1)
    {
        GuardedRow<S> source = _x.Row(x, placement), target = _dx.Row(x.Length, placement);
        GuardedRow<C> weights = _weights.Row(Elements.From<C, F>(forward.Weights), placement), gradient = _dweights.Row(dweights, placement);
        GuardedRow<C> state = _state.Row(Elements.From<C, F>(forward.State), placement), lse = _lse.Row(dlse, placement), mean = _mean.Row(dmean, placement);
        GuardedRow<long> indices = _indices.Row(forward.Indices, placement);
        new Random(1).NextBytes(new Span<byte>(target.Pointer, x.Length * sizeof(S)));
        using IDisposable working = GuardedBlocks.Enter();
        GateKernels.TopKBackward<S>(
            new()
            {
                Shape = shape,
                Rule = rule,
                Logits = source.Pointer,
                Weights = weights.Pointer,
                Indices = indices.Pointer,
                State = state.Pointer,
                WeightsGradient = gradient.Pointer,
                LseGradient = dlse.Length == 0 ? null : lse.Pointer,
                MeanGradient = dmean.Length == 0 ? null : mean.Pointer,
                LogitsGradient = target.Pointer,
            },
            threads);
        string what = $"backward {shape} {rule} {placement}";
        source.AssertNothingElseWritten(what);
        target.AssertNothingElseWritten(what);
        foreach (GuardedRow<C> row in (GuardedRow<C>[])[weights, gradient, state, lse, mean])
        {
            row.AssertNothingElseWritten(what);
        }

        Bits.AssertSame<S>($"{what}: its logits", x, source.Span);
        Bits.AssertSame<C>($"{what}: its upstream", dweights, gradient.Span);
        return Elements.ToDoubles<S, E>(target.Span);
    }

    private static double[] Doubles(GuardedRow<C> row) => Elements.ToDoubles<C, F>(row.Span);
}
