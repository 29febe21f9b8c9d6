using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>dx = dy * exp(x - lse): log-sum-exp's derivative, a function of its own so that it has a derivative itself.</summary>
internal sealed class TwoPassLogSumExpBackwardFunction : KernelFunction<TwoPassLogSumExpBackwardFunction, LogSumExpOptions>
{
    internal static Tensor Apply(Tensor x, Tensor lse, Tensor dy, LogSumExpOptions options) => Run(options, x, lse, dy);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, LogSumExpOptions options, List<Tensor>? saved)
    {
        var (x, lse, dy) = (inputs[0], inputs[1], inputs[2]);
        var xc = Memory.Contiguous(x);
        var lsec = Memory.Contiguous(lse);
        var dyc = Memory.Contiguous(dy);
        var dx = Memory.Fresh(xc);
        Dtype.Run(x.dtype, new Kernel(xc, lsec, dyc, dx, Extents.Of(xc, options.Dim)));
        Memory.Release(xc, x);
        Memory.Release(lsec, lse);
        Memory.Release(dyc, dy);
        saved?.AddRange([x, lse, dy]);
        return dx;
    }

    /// <summary>With e = exp(x - lse), w = v * dy * e: dx' = w, dlse = -sum(w), ddy = sum(v * e).</summary>
    protected override void Backward(Tensor v, IReadOnlyList<Tensor> saved, LogSumExpOptions options, Gradients gradients)
    {
        var (x, lse, dy) = (saved[0], saved[1], saved[2]);
        using var lseRow = Row(lse, x, options);
        using var dyRow = Row(dy, x, options);
        using var shifted = x.sub(lseRow);
        using var e = shifted.exp();
        using var ve = v.mul(e);
        if (gradients.Wants(2))
        {
            gradients[2] = ve.sum(options.Dim, options.KeepDim);
        }

        if (!gradients.Wants(0) && !gradients.Wants(1))
        {
            return;
        }

        var w = ve.mul(dyRow);
        if (gradients.Wants(1))
        {
            using var sum = w.sum(options.Dim, options.KeepDim);
            gradients[1] = sum.neg();
        }

        if (gradients.Wants(0))
        {
            gradients[0] = w;
        }
        else
        {
            w.Dispose();
        }
    }

    /// <summary>A reduced tensor with a one in place of the reduced dim, so that it broadcasts.</summary>
    private static Tensor Row(Tensor reduced, Tensor x, LogSumExpOptions options) =>
        options.KeepDim || x.ndim == 0 ? reduced.alias() : reduced.unsqueeze(options.Dim);

    private readonly struct Kernel(Tensor x, Tensor lse, Tensor dy, Tensor dx, Extents shape) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            SoftmaxKernels.LogSumExpBackward(
                (S*)Memory.Of(x), (S*)Memory.Of(lse), (S*)Memory.Of(dy), (S*)Memory.Of(dx), shape.Outer, shape.Length, shape.Inner, get_num_threads());
            GC.KeepAlive(x);
            GC.KeepAlive(lse);
            GC.KeepAlive(dy);
            GC.KeepAlive(dx);
        }
    }
}
