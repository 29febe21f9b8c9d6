using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>
/// dx = dy * exp(x - lse): log-sum-exp's derivative, a function of its own so that it has a derivative itself. It depends on x and dy; lse comes along, known already.
/// </summary>
internal sealed class TwoPassLogSumExpBackwardFunction : KernelFunction<TwoPassLogSumExpBackwardFunction, LogSumExpOptions>
{
    /// <summary><paramref name="lse"/> must not require grad: as a function of x it is part of the rule.</summary>
    internal static Tensor Apply(Tensor x, Tensor lse, Tensor dy, LogSumExpOptions options) => Run(options, x, lse, dy);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, LogSumExpOptions options, List<Tensor>? saved)
    {
        var (x, lse, dy) = (inputs[0], inputs[1], inputs[2]);
        var xc = Memory.Contiguous(x);
        var dyc = Memory.Contiguous(dy);
        var dx = Memory.Fresh(xc);
        Dtype.Run(x.dtype, new Kernel(xc, lse, dyc, dx, Extents.Of(xc, options.Dim)));
        Memory.Release(xc, x);
        Memory.Release(dyc, dy);
        saved?.AddRange([x, dy]);
        return dx;
    }

    /// <summary>With p = softmax(x), w = v * dy * p: dx' = w - p * sum(w), ddy = sum(v * p).</summary>
    protected override void Backward(Tensor v, IReadOnlyList<Tensor> saved, LogSumExpOptions options, Gradients gradients)
    {
        var (x, dy) = (saved[0], saved[1]);
        using var p = TwoPassSoftmaxFunction.Apply(x, new(options.Dim, SoftmaxAlgorithm.Auto));
        using var vp = v.mul(p);
        if (gradients.Wants(2))
        {
            gradients[2] = vp.sum(options.Dim, options.KeepDim);
        }

        if (gradients.Wants(0))
        {
            // a one in place of the reduced dim, so that it broadcasts
            using var row = options.KeepDim || x.ndim == 0 ? dy.alias() : dy.unsqueeze(options.Dim);
            using var w = vp.mul(row);
            using var sum = w.sum(options.Dim, keepdim: true);
            using var common = p.mul(sum);
            gradients[0] = w.sub(common);
        }
    }

    private readonly struct Kernel(Tensor x, Tensor lse, Tensor dy, Tensor dx, Extents shape) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            SoftmaxKernels.LogSumExpBackward(
                (S*)Memory.Of(x), Memory.Of(lse), (S*)Memory.Of(dy), (S*)Memory.Of(dx), shape.Outer, shape.Length, shape.Inner, get_num_threads());
            GC.KeepAlive(x);
            GC.KeepAlive(lse);
            GC.KeepAlive(dy);
            GC.KeepAlive(dx);
        }
    }
}
