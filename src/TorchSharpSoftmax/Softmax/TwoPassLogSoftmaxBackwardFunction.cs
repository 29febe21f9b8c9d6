using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>dx = dy - exp(y) * sum(dy): log-softmax's derivative, a function of its own so that it has a derivative itself.</summary>
internal sealed class TwoPassLogSoftmaxBackwardFunction : KernelFunction<TwoPassLogSoftmaxBackwardFunction, int>
{
    internal static Tensor Apply(Tensor y, Tensor dy, int dim) => Run(dim, y, dy);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, int dim, List<Tensor>? saved)
    {
        var (y, dy) = (inputs[0], inputs[1]);
        var yc = Memory.Contiguous(y);
        var upstream = SoftmaxUpstream.Of(dy, yc, dim);
        Dtype.Run(y.dtype, new Kernel(yc, upstream, Extents.Of(yc, dim)));
        Memory.Release(yc, y);
        upstream.Release();
        saved?.AddRange([y, dy]);
        return upstream.Result;
    }

    /// <summary>With p = exp(y): ddy = v - sum(v * p), and dy' = -(v * p) * sum(dy).</summary>
    protected override void Backward(Tensor v, IReadOnlyList<Tensor> saved, int dim, Gradients gradients)
    {
        var (y, dy) = (saved[0], saved[1]);
        using var p = Dtype.InArithmetic(y, wide => wide.exp());
        using var vp = v.mul(p);
        if (gradients.Wants(0))
        {
            using var s = dy.sum(dim, keepdim: true);
            using var product = vp.mul(s);
            gradients[0] = product.neg();
        }

        if (gradients.Wants(1))
        {
            using var t = vp.sum(dim, keepdim: true);
            gradients[1] = v.sub(t);
        }
    }

    private readonly struct Kernel(Tensor y, SoftmaxUpstream upstream, Extents shape) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            SoftmaxKernels.LogSoftmaxBackward(
                (S*)Memory.Of(y), (S*)Memory.Of(upstream.Read), (S*)Memory.Of(upstream.Result), shape.Outer, shape.Length, shape.Inner, get_num_threads(), upstream.Repeats);
            GC.KeepAlive(y);
            GC.KeepAlive(upstream.Read);
            GC.KeepAlive(upstream.Result);
        }
    }
}
