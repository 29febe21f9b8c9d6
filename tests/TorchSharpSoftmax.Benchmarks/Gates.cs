using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>Tokens x experts, of which each token keeps some.</summary>
internal record GateCase(long Tokens, long Experts, int Kept, TopKGateMode Mode = TopKGateMode.KeptSoftmax, int MostRounds = int.MaxValue) : ICase
{
    /// <summary>Nanoseconds to a microsecond.</summary>
    public double Units => 1e3;

    public sealed override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Tokens} x {Experts}, k = {Kept}{Text}");

    private protected virtual string Text => Mode switch
    {
        TopKGateMode.Softmax => ", of all",
        TopKGateMode.Sigmoid => ", sigmoid and bias",
        _ => "",
    };
}

/// <summary>What a gate is measured on, and what is measured: each call takes the next of several inputs, so that no branch predictor knows the rows by heart.</summary>
internal sealed class GateTensors : IDisposable
{
    /// <summary>So many different rows at least, and two inputs.</summary>
    private const long Rows = 8192;

    private readonly GateCase _case;
    private readonly DisposeScope _scope;
    private readonly Tensor[] _inputs;
    private readonly Tensor _gradient;
    private readonly Tensor? _bias;
    private int _next;

    public GateTensors(GateCase row)
    {
        _case = row;
        manual_seed(1);
        _scope = NewDisposeScope();
        _inputs = [.. Enumerable.Range(0, (int)Math.Max(2, Rows / row.Tokens)).Select(_ => randn(row.Tokens, row.Experts).requires_grad_())];
        _gradient = randn(row.Tokens, row.Kept);
        _bias = row.Mode == TopKGateMode.Sigmoid ? randn(row.Experts).mul(0.1) : null;
    }

    /// <summary>The logits' gradient as the layer before would take it.</summary>
    public void Differentiated(Func<Tensor, GateTensors, (Tensor Weights, IDisposable Others)> gate)
    {
        Tensor x = Next();
        var (weights, others) = gate(x, this);
        foreach (Tensor dx in autograd.grad([weights], [x], [_gradient]))
        {
            dx.Dispose();
        }

        weights.Dispose();
        others.Dispose();
    }

    /// <summary>The logits' gradient of weights, of a loss, or of both.</summary>
    public void Differentiated(Func<Tensor, Tensor[]> outputs)
    {
        using var scope = NewDisposeScope();
        Tensor x = Next();
        Tensor[] all = outputs(x);
        _ = autograd.grad(all, [x], [.. all.Select(y => y.ndim == 0 ? ones([], ScalarType.Float32) : _gradient)]);
    }

    public void Forward(Func<Tensor, GateTensors, (Tensor Weights, IDisposable Others)> gate)
    {
        using var noGrad = no_grad();
        var (weights, others) = gate(Next(), this);
        weights.Dispose();
        others.Dispose();
    }

    public static (Tensor Weights, IDisposable Others) Ours(Tensor x, GateTensors of)
    {
        TopKGateOutputs outputs = functional.topk_gate(x, of._case.Kept, of._case.Mode, of._bias, statistics: false);
        return (outputs.weights, outputs);
    }

    /// <summary>As it is by default: with log-sum-exp and mean probability, which the weights' gradient does not use.</summary>
    public static (Tensor Weights, IDisposable Others) OursWithStatistics(Tensor x, GateTensors of)
    {
        TopKGateOutputs outputs = functional.topk_gate(x, of._case.Kept, of._case.Mode, of._bias);
        return (outputs.weights, outputs);
    }

    /// <summary>What users write, with as few operators as the mode needs.</summary>
    public static (Tensor Weights, IDisposable Others) Composed(Tensor x, GateTensors of)
    {
        switch (of._case.Mode)
        {
            case TopKGateMode.Softmax:
                using (Tensor p = x.softmax(-1))
                {
                    return p.topk(of._case.Kept);
                }

            case TopKGateMode.Sigmoid:
                using (Tensor s = x.sigmoid(), plain = s.detach(), choice = plain.add(of._bias!))
                {
                    var (values, indices) = choice.topk(of._case.Kept);
                    values.Dispose();
                    using Tensor kept = s.gather(1, indices), sum = kept.sum(-1, keepdim: true);
                    return (kept.div(sum), indices);
                }

            default:
                var (top, places) = x.topk(of._case.Kept);
                using (top)
                {
                    return (top.softmax(-1), places);
                }
        }
    }

    /// <summary>The composition, and what the default gives beside: log-sum-exp, mean probability and counts.</summary>
    public static (Tensor Weights, IDisposable Others) ComposedWithStatistics(Tensor x, GateTensors of)
    {
        var scope = NewDisposeScope();
        Tensor shares = of._case.Mode == TopKGateMode.Sigmoid ? x.sigmoid() : x.softmax(-1);
        _ = (x.logsumexp(-1), (of._case.Mode == TopKGateMode.Sigmoid ? shares.div(shares.sum(-1, keepdim: true)) : shares).mean([0L]));
        var (weights, indices) = Composed(x, of);
        _ = bincount(((Tensor)indices).reshape(-1), minlength: of._case.Experts);
        return (weights, scope);
    }

    /// <summary>The kernels by themselves, on memory that exists.</summary>
    public Action Kernel(bool backward)
    {
        long tokens = _case.Tokens, slots = tokens * _case.Kept;
        Tensor weights = zeros(slots), indices = zeros(slots, ScalarType.Int64), counts = zeros(_case.Experts, ScalarType.Int64), state = zeros(3, tokens);
        Tensor dx = zeros(tokens, _case.Experts);
        int threads = get_num_threads();
        return () => Kernel(Next(), weights, indices, counts, state, backward ? dx : null, threads);
    }

    private unsafe void Kernel(Tensor x, Tensor weights, Tensor indices, Tensor counts, Tensor state, Tensor? dx, int threads)
    {
        var shape = new GateShape((nint)_case.Tokens, (nint)_case.Experts, _case.Kept);
        void* numbers = dx is not null && _case.Mode == TopKGateMode.Softmax ? At(state) : null;
        GateKernels.TopK<float>(
            new()
            {
                Shape = shape,
                Rule = new(_case.Mode),
                Logits = At(x),
                Bias = _bias is null ? null : At(_bias),
                Weights = At(weights),
                Indices = (long*)At(indices),
                Counts = (long*)At(counts),
                State = numbers,
            },
            threads);
        if (dx is not null)
        {
            GateKernels.TopKBackward<float>(
                new()
                {
                    Shape = shape,
                    Rule = new(_case.Mode),
                    Logits = At(x),
                    Weights = At(weights),
                    Indices = (long*)At(indices),
                    State = numbers,
                    WeightsGradient = At(_gradient),
                    LogitsGradient = At(dx),
                },
                threads);
        }
    }

    public Tensor Next() => _inputs[_next = (_next + 1) % _inputs.Length];

    public void Dispose() => _scope.Dispose();

    /// <summary>Lets the compiler see everything often enough, once in a process, on small gates.</summary>
    public static void WarmUp()
    {
        if (s_isWarm)
        {
            return;
        }

        s_isWarm = true;
        foreach (GateCase row in (GateCase[])[.. Enum.GetValues<TopKGateMode>().Select(mode => new GateCase(48, 16, 2, mode)), new(48, 16, 1), new(48, 16, 4)])
        {
            using var tensors = new GateTensors(row);
            Action kernel = tensors.Kernel(backward: true);
            for (int i = 0; i < 120; i++)
            {
                tensors.Differentiated(Ours);
                tensors.Differentiated(OursWithStatistics);
                tensors.Differentiated(Composed);
                tensors.Differentiated(ComposedWithStatistics);
                tensors.Forward(Ours);
                tensors.Forward(Composed);
                kernel();
                if (i is 40 or 80)
                {
                    Thread.Sleep(150); // what is compiled again, is so in the background
                }
            }
        }
    }

    private static bool s_isWarm;

    private static unsafe void* At(Tensor t) => Unsafe.AsPointer(ref MemoryMarshal.GetReference(t.bytes));
}
