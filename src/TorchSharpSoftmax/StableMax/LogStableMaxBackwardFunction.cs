using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>dx = (dy - p * sum(dy)) / (1 + |x|): log StableMax's derivative, a function of its own so that it has a derivative itself.</summary>
internal sealed class LogStableMaxBackwardFunction : KernelFunction<LogStableMaxBackwardFunction, int>
{
    internal static Tensor Apply(Tensor x, Tensor dy, int dim) => Run(dim, x, dy);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, int dim, List<Tensor>? saved)
    {
        var (x, dy) = (inputs[0], inputs[1]);
        var xc = Memory.Contiguous(x);
        var dx = Memory.IsDirect(dy) ? Memory.Fresh(dy) : Memory.FreshCopy(dy);
        Dtype.Run(x.dtype, new Kernel(xc, Memory.IsDirect(dy) ? dy : dx, dx, Extents.Of(xc, dim)));
        Memory.Release(xc, x);
        saved?.AddRange([x, dy]);
        return dx;
    }

    /// <summary>
    /// With slope = 1 / (1 + |x|), w = v * slope, a = w - sum(p * w): ddy = a, and
    /// dx' = -slope * (sign(x) * w * (dy - p * sum(dy)) + p * a * sum(dy)); the first part is the slope's own derivative.
    /// </summary>
    protected override void Backward(Tensor v, IReadOnlyList<Tensor> saved, int dim, Gradients gradients)
    {
        var (x, dy) = (saved[0], saved[1]);
        using var p = StableMaxFunction.Apply(x, dim);
        using var slope = StableMaxComposed.Slope(x);
        using var w = v.mul(slope);
        using var pw = p.mul(w);
        using var t = pw.sum(dim, keepdim: true);
        var a = w.sub(t);
        if (gradients.Wants(0))
        {
            using var sum = dy.sum(dim, keepdim: true);
            using var share = p.mul(sum);
            using var c = dy.sub(share);
            using var sign = x.sign();
            using var signed = sign.mul(w);
            using var bent = signed.mul(c);
            using var moved = share.mul(a);
            using var both = bent.add(moved, Scalars.One);
            using var product = both.mul(slope);
            gradients[0] = product.neg();
        }

        if (gradients.Wants(1))
        {
            gradients[1] = a;
        }
        else
        {
            a.Dispose();
        }
    }

    private readonly struct Kernel(Tensor x, Tensor dy, Tensor dx, Extents shape) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            StableMaxKernels.LogStableMaxBackward(
                (S*)Memory.Of(x), (S*)Memory.Of(dy), (S*)Memory.Of(dx), shape.Outer, shape.Length, shape.Inner, get_num_threads());
            GC.KeepAlive(x);
            GC.KeepAlive(dy);
            GC.KeepAlive(dx);
        }
    }
}
