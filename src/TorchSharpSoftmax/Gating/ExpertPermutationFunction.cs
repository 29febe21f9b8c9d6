using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>
/// Rows of tokens by expert, y[n] = x[tokens[n]]. Beside that index there are the places of each token's rows in y, [tokens, k], -1 where there is none, and the slots of
/// the rows, [rows], which says where in the places each row stands: so the gradient is <see cref="ExpertCombinationFunction"/>, and sums in one order whatever the number of threads.
/// </summary>
internal sealed class ExpertPermutationFunction : KernelFunction<ExpertPermutationFunction, bool>
{
    /// <param name="x">[tokens, D].</param>
    /// <param name="tokens">[rows].</param>
    /// <param name="places">[tokens, k].</param>
    /// <param name="slots">[rows].</param>
    /// <param name="hasGaps">Whether there are places of -1.</param>
    internal static Tensor Apply(Tensor x, Tensor tokens, Tensor places, Tensor slots, bool hasGaps) => Run(hasGaps, x, tokens, places, slots);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, bool hasGaps, List<Tensor>? saved)
    {
        var (x, tokens) = (inputs[0], inputs[1]);
        saved?.AddRange([tokens, inputs[2], inputs[3]]);
        return Dtype.HasKernel(x) ? Gathered(x, tokens) : x.index_select(0, tokens);
    }

    /// <summary>Row by row, of which libtorch copies each as a tensor of its own.</summary>
    private static unsafe Tensor Gathered(Tensor x, Tensor tokens)
    {
        Tensor xc = Memory.Contiguous(x), index = Memory.Contiguous(tokens);
        long rows = index.size(0), width = xc.size(1);
        var y = Memory.Fresh([rows, width], x.dtype);
        GateGather.Run(Memory.Of(xc), (long*)Memory.Of(index), Memory.Of(y), (nint)rows, (nint)width * Dtype.SizeOf(x.dtype), get_num_threads());
        GC.KeepAlive(xc);
        GC.KeepAlive(index);
        GC.KeepAlive(y);
        Memory.Release(xc, x);
        Memory.Release(index, tokens);
        return y;
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, bool hasGaps, Gradients gradients) =>
        gradients[0] = ExpertCombinationFunction.Apply(gradient, saved[0], saved[1], saved[2], weights: null, hasGaps);
}
