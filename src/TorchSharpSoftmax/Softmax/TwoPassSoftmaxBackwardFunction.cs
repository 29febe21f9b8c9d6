using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>dx = y * (dy - sum(dy * y)): softmax's derivative, a function of its own so that it has a derivative itself.</summary>
internal sealed class TwoPassSoftmaxBackwardFunction : KernelFunction<TwoPassSoftmaxBackwardFunction, int>
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

    /// <summary>With s = sum(dy * y), t = sum(v * y): ddy = y * (v - t), the same kernel, and dy' = v * (dy - s) - t * dy.</summary>
    protected override void Backward(Tensor v, IReadOnlyList<Tensor> saved, int dim, Gradients gradients)
    {
        var (y, dy) = (saved[0], saved[1]);
        if (gradients.Wants(0))
        {
            using var dyy = dy.mul(y);
            using var s = dyy.sum(dim, keepdim: true);
            using var vy = v.mul(y);
            using var t = vy.sum(dim, keepdim: true);
            using var centred = dy.sub(s);
            using var first = v.mul(centred);
            using var second = t.mul(dy);
            gradients[0] = first.sub(second);
        }

        if (gradients.Wants(1))
        {
            gradients[1] = Apply(y, v, dim);
        }
    }

    private readonly struct Kernel(Tensor y, SoftmaxUpstream upstream, Extents shape) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            SoftmaxKernels.SoftmaxBackward(
                (S*)Memory.Of(y), (S*)Memory.Of(upstream.Read), (S*)Memory.Of(upstream.Result), shape.Outer, shape.Length, shape.Inner, get_num_threads(), upstream.Repeats);
            GC.KeepAlive(y);
            GC.KeepAlive(upstream.Read);
            GC.KeepAlive(upstream.Result);
        }
    }
}
