using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Which of the two indices of a gather have gaps.</summary>
internal readonly record struct ExpertPermutationGaps(bool OfIndex, bool OfInverse);

/// <summary>
/// Rows by index, y[n] = x[index[n]], or 0 where the index is -1. The inverse, [rows of x, k], has the places in y that each row of x went to, -1 filling up: so the gradient
/// is a gather too, and sums in one order whatever the device and the number of threads. And back, [rows of y, 1], has where in the inverse each row of y stands.
/// </summary>
internal sealed class ExpertPermutationFunction : KernelFunction<ExpertPermutationFunction, ExpertPermutationGaps>
{
    internal static Tensor Apply(Tensor x, Tensor index, Tensor inverse, Tensor back, ExpertPermutationGaps gaps) => Run(gaps, x, index, inverse, back);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, ExpertPermutationGaps gaps, List<Tensor>? saved)
    {
        var (x, index) = (inputs[0], inputs[1]);
        saved?.AddRange([inputs[2], inputs[3]]);
        if (x.size(0) == 0)
        {
            return zeros([index.size(0), x.size(1)], x.dtype, x.device);
        }

        if (Dtype.HasKernel(x))
        {
            return Gathered(x, index);
        }

        if (!gaps.OfIndex)
        {
            return x.index_select(0, index);
        }

        using var first = tensor(0L, ScalarType.Int64);
        using var named = index.maximum(first);
        using var rows = x.index_select(0, named);
        using var isNamed = index.eq(named);
        using var column = isNamed.unsqueeze(1);
        using var nothing = tensor(0, x.dtype);
        return where(column, rows, nothing);
    }

    /// <summary>Row by row, of which libtorch copies each as a tensor of its own.</summary>
    private static unsafe Tensor Gathered(Tensor x, Tensor index)
    {
        Tensor xc = Memory.Contiguous(x), ic = Memory.Contiguous(index);
        long rows = ic.size(0), width = xc.size(1);
        var y = empty([rows, width], x.dtype);
        GateGather.Run(Memory.Of(xc), (long*)Memory.Of(ic), Memory.Of(y), (nint)rows, (nint)width * Dtype.SizeOf(x.dtype), get_num_threads());
        GC.KeepAlive(xc);
        GC.KeepAlive(ic);
        GC.KeepAlive(y);
        Memory.Release(xc, x);
        Memory.Release(ic, index);
        return y;
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, ExpertPermutationGaps gaps, Gradients gradients)
    {
        var (inverse, back) = (saved[0], saved[1]);
        long rows = inverse.size(0), k = inverse.size(1);
        using var places = inverse.reshape(-1);
        using var column = places.unsqueeze(1);
        var gathered = Apply(gradient, places, back, column, new(gaps.OfInverse, gaps.OfIndex));
        if (k == 1)
        {
            gradients[0] = gathered;
            return;
        }

        using (gathered)
        {
            using var byRow = gathered.reshape(rows, k, gradient.size(1));
            gradients[0] = Summed(byRow);
        }
    }

    /// <summary>Over dim 1; 16-bit numbers are summed in float32.</summary>
    internal static Tensor Summed(Tensor x)
    {
        using var wide = x.to_type(Dtype.ArithmeticOf(x.dtype));
        using var sum = wide.sum(1);
        return sum.dtype == x.dtype ? sum.alias() : sum.to_type(x.dtype);
    }
}
