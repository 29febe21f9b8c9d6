using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>An upstream gradient as softmax's backward kernels read it, and the tensor for the result, which may be the same memory.</summary>
/// <param name="Read">A contiguous gradient; or one row, which every row has.</param>
/// <param name="Result">To be written.</param>
/// <param name="Repeats">Whether it is one row.</param>
internal readonly record struct SoftmaxUpstream(Tensor Read, Tensor Result, bool Repeats)
{
    /// <param name="dy">Of any strides.</param>
    /// <param name="y">Contiguous, of the same shape.</param>
    /// <param name="dim">Along which the sums run.</param>
    internal static SoftmaxUpstream Of(Tensor dy, Tensor y, int dim)
    {
        if (Memory.IsDirect(dy))
        {
            return new(dy, Memory.Fresh(dy), false);
        }

        if (dim == dy.ndim - 1 && Memory.IsRepeatedRow(dy))
        {
            using var rows = dy.reshape(-1, y.size(dim));
            return new(rows.narrow(0, 0, 1), Memory.Fresh(y), true);
        }

        var copy = Memory.FreshCopy(dy);
        return new(copy, copy, false);
    }

    /// <summary>Lets go of a row's view; the gradient itself is the caller's.</summary>
    internal void Release()
    {
        if (Repeats)
        {
            Read.Dispose();
        }
    }
}
