using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Where log-sum-exp puts its values: a fresh tensor, or a given one.</summary>
internal static class LogSumExpOutputs
{
    internal static Tensor Functional(Tensor input, long dim, bool keepdim, Tensor? @out)
    {
        Check.Alive(input, nameof(input));
        int axis = Check.Dim(input, dim);
        if (@out is null)
        {
            return Fresh(input, axis, keepdim);
        }

        const string spelling = "two_pass_logsumexp";
        Check.Alive(@out, nameof(@out));
        Check.NoGradient(input, nameof(input), spelling, Outputs.WithOut);
        Check.NoGradient(@out, nameof(@out), spelling, Outputs.WithOut);
        Check.Device(@out, input, nameof(@out));
        Check.Shape(@out, TwoPassLogSumExpFunction.ShapeOf(input, axis, keepdim), nameof(@out));
        Check.NoSharedElements(@out, nameof(@out));
        using var values = Fresh(input, axis, keepdim); // one value a row: through a copy any overlap with the input is harmless
        Check.Dtype(@out, values.dtype, nameof(@out)); // not always the input's: integers give libtorch's default floating dtype
        Memory.Discard(@out, @out.copy_(values));
        return @out;
    }

    private static Tensor Fresh(Tensor x, int dim, bool keepdim) =>
        Dtype.HasKernel(x) ? TwoPassLogSumExpFunction.Apply(x, dim, keepdim) : x.logsumexp(dim, keepdim);
}
