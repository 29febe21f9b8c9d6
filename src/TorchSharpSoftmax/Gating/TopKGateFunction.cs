using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>A top-k gate's weights, log-sum-exp and mean probability in one tensor, as <see cref="TopKGateCall"/> lays them out.</summary>
/// <remarks>Saves its input, the output and the indices; and three numbers per token where every logit may have a gradient.</remarks>
internal sealed class TopKGateFunction : KernelFunction<TopKGateFunction, TopKGateCall>
{
    /// <summary>Also fills in the indices, [..., kept], and the call's counts.</summary>
    internal static Tensor Apply(Tensor logits, Tensor indices, TopKGateCall call) => Run(call, logits, indices);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, TopKGateCall call, List<Tensor>? saved)
    {
        var (x, indices) = (inputs[0], inputs[1]);
        var arithmetic = Dtype.ArithmeticOf(x.dtype);
        var packed = call.Statistics ? empty([call.End], arithmetic, CPU) : empty_like(indices, arithmetic);
        var state = saved is not null && call.MayBeDense ? empty([3, call.Shape.Tokens], arithmetic, CPU) : null;
        var xc = Memory.Contiguous(x);
        Dtype.Run(x.dtype, new Kernel(xc, packed, indices, state, call));
        Memory.Release(xc, x);
        if (saved is not null)
        {
            saved.AddRange([x, packed, indices]);
            if (state is not null)
            {
                saved.Add(state);
            }
        }

        return packed;
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, TopKGateCall call, Gradients gradients)
    {
        if (is_grad_enabled())
        {
            gradients[0] = TopKGateComposed.Gradient(saved[0], saved[2], gradient, call);
            return;
        }

        var x = saved[0];
        Tensor xc = Memory.Contiguous(x), gc = Memory.Contiguous(gradient);
        var dx = Memory.Fresh(xc);
        Dtype.Run(x.dtype, new BackwardKernel(xc, saved[1], saved[2], saved.Count > 3 ? saved[3] : null, gc, dx, call));
        Memory.Release(xc, x);
        Memory.Release(gc, gradient);
        gradients[0] = dx;
    }

    private readonly struct Kernel(Tensor x, Tensor packed, Tensor indices, Tensor? state, TopKGateCall call) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            var counts = call.Counts!;
            byte* weights = Memory.Of(packed), lse = null, mean = null;
            if (call.Statistics)
            {
                int size = Dtype.SizeOf(packed.dtype);
                lse = weights + (call.WeightsEnd * size);
                mean = weights + (call.LseEnd * size);
            }

            GateKernels.TopK<S>(
                new()
                {
                    Shape = call.Shape,
                    Rule = call.Rule,
                    Logits = Memory.Of(x),
                    Bias = call.Bias is null ? null : Memory.Of(call.Bias),
                    Weights = weights,
                    Indices = (long*)Memory.Of(indices),
                    Counts = (long*)Memory.Of(counts),
                    Lse = lse,
                    Mean = mean,
                    State = state is null ? null : Memory.Of(state),
                },
                get_num_threads());
            GC.KeepAlive(x);
            GC.KeepAlive(packed);
            GC.KeepAlive(indices);
            GC.KeepAlive(counts);
            GC.KeepAlive(state);
            GC.KeepAlive(call.Bias);
        }
    }

    private readonly struct BackwardKernel(Tensor x, Tensor packed, Tensor indices, Tensor? state, Tensor gradient, Tensor dx, TopKGateCall call) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            int size = Dtype.SizeOf(gradient.dtype);
            byte* dweights = Memory.Of(gradient), dlse = dweights + (call.WeightsEnd * size), dmean = dweights + (call.LseEnd * size), end = dweights + (call.End * size);
            GateKernels.TopKBackward<S>(
                new()
                {
                    Shape = call.Shape,
                    Rule = call.Rule,
                    Logits = Memory.Of(x),
                    Weights = Memory.Of(packed),
                    Indices = (long*)Memory.Of(indices),
                    State = state is null ? null : Memory.Of(state),
                    WeightsGradient = dweights,
                    LseGradient = AreZeros(dlse, dmean) ? null : dlse, // of what nobody used, which then costs nothing
                    MeanGradient = AreZeros(dmean, end) ? null : dmean,
                    LogitsGradient = Memory.Of(dx),
                },
                get_num_threads());
            GC.KeepAlive(x);
            GC.KeepAlive(packed);
            GC.KeepAlive(indices);
            GC.KeepAlive(state);
            GC.KeepAlive(gradient);
            GC.KeepAlive(dx);
        }

        private static unsafe bool AreZeros(byte* from, byte* to)
        {
            while (to - from > int.MaxValue)
            {
                if (new ReadOnlySpan<byte>(from, 1 << 30).ContainsAnyExcept((byte)0))
                {
                    return false;
                }

                from += 1 << 30;
            }

            return !new ReadOnlySpan<byte>(from, (int)(to - from)).ContainsAnyExcept((byte)0);
        }
    }
}
