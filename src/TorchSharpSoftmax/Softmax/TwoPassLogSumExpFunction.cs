using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What log-sum-exp takes beside its input.</summary>
internal readonly record struct LogSumExpOptions(int Dim, bool KeepDim);

/// <summary>The rule of log-sum-exp: saves its input and the sums.</summary>
internal sealed class TwoPassLogSumExpFunction : KernelFunction<TwoPassLogSumExpFunction, LogSumExpOptions>
{
    internal static Tensor Apply(Tensor x, int dim, bool keepdim) => Run(new(dim, keepdim), x);

    /// <summary>The shape without, or with one in place of, the reduced dim.</summary>
    internal static long[] ShapeOf(Tensor x, int dim, bool keepdim)
    {
        int dims = (int)x.ndim;
        if (dims == 0)
        {
            return [];
        }

        var shape = new long[keepdim ? dims : dims - 1];
        for (int i = 0, to = 0; i < dims; i++)
        {
            if (i != dim)
            {
                shape[to++] = x.size(i);
            }
            else if (keepdim)
            {
                shape[to++] = 1;
            }
        }

        return shape;
    }

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, LogSumExpOptions options, List<Tensor>? saved)
    {
        var x = inputs[0];
        var xc = Memory.Contiguous(x);
        var lse = empty(ShapeOf(x, options.Dim, options.KeepDim), Dtype.ArithmeticOf(x.dtype), x.device);
        Dtype.Run(x.dtype, new Kernel(xc, lse, Extents.Of(xc, options.Dim)));
        Memory.Release(xc, x);

        // the derivative is exp(x - lse): a 16-bit lse, off by several units at a few thousand, would make nonsense of it
        saved?.AddRange([x, lse]);
        if (lse.dtype == x.dtype)
        {
            return lse;
        }

        var rounded = lse.to_type(x.dtype);
        if (saved is null)
        {
            lse.Dispose();
        }

        return rounded;
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, LogSumExpOptions options, Gradients gradients)
    {
        using var lse = saved[1].detach();
        gradients[0] = TwoPassLogSumExpBackwardFunction.Apply(saved[0], lse, gradient, options);
    }

    private readonly struct Kernel(Tensor x, Tensor lse, Extents shape) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            SoftmaxKernels.LogSumExp((S*)Memory.Of(x), Memory.Of(lse), shape.Outer, shape.Length, shape.Inner, get_num_threads());
            GC.KeepAlive(x);
            GC.KeepAlive(lse);
        }
    }
}
