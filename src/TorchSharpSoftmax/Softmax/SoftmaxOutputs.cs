using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Where an operator of <see cref="IWritesInto"/> puts its values: a fresh tensor, the input itself, or a given tensor.</summary>
internal static class SoftmaxOutputs
{
    internal const string WithOut = " with 'out'";

    internal static Tensor Fresh<TOperator>(Tensor x, int dim, SoftmaxAlgorithm algorithm) where TOperator : IWritesInto
    {
        if (Memory.IsDirect(x))
        {
            var y = Memory.Fresh(x);
            TOperator.Write(x, y, dim, algorithm);
            return y;
        }

        var copy = Memory.FreshCopy(x);
        TOperator.Write(copy, copy, dim, algorithm);
        return copy;
    }

    internal static Tensor Functional<TOperator>(Tensor input, long dim, ScalarType? dtype, SoftmaxAlgorithm algorithm, Tensor? @out)
        where TOperator : IWritesInto
    {
        Check.Alive(input, nameof(input));
        int axis = Check.Dim(input, dim);
        Check.Algorithm(algorithm);
        if (@out is not null)
        {
            Into<TOperator>(input, axis, dtype, algorithm, @out);
            return @out;
        }

        if (dtype is { } required && required != input.dtype)
        {
            using var cast = input.to_type(required);
            return OfItsDtype<TOperator>(cast, axis, algorithm);
        }

        return OfItsDtype<TOperator>(input, axis, algorithm);
    }

    /// <summary>Writes over the input, whatever its strides.</summary>
    internal static Tensor InPlace<TOperator>(Tensor input, long dim, SoftmaxAlgorithm algorithm) where TOperator : IWritesInto
    {
        Check.Alive(input, nameof(input));
        int axis = Check.Dim(input, dim);
        Check.Algorithm(algorithm);
        Check.NoGradient(input, nameof(input), TOperator.Spelling, "_");
        Check.NoSharedElements(input, nameof(input));
        Overwrite<TOperator>(input, input, axis, algorithm);
        return input;
    }

    private static Tensor OfItsDtype<TOperator>(Tensor x, int dim, SoftmaxAlgorithm algorithm) where TOperator : IWritesInto =>
        Dtype.HasKernel(x) ? TOperator.Apply(x, dim, algorithm) : TOperator.Composed(x, dim);

    private static void Into<TOperator>(Tensor input, int dim, ScalarType? dtype, SoftmaxAlgorithm algorithm, Tensor @out) where TOperator : IWritesInto
    {
        Check.Alive(@out, nameof(@out));
        Check.NoGradient(input, nameof(input), TOperator.Spelling, WithOut);
        Check.NoGradient(@out, nameof(@out), TOperator.Spelling, WithOut);
        Check.Device(@out, input, nameof(@out));
        Check.Dtype(@out, dtype ?? input.dtype, nameof(@out));
        Check.Shape(@out, input, nameof(@out));
        Check.NoSharedElements(@out, nameof(@out));
        if (dtype is { } required && required != input.dtype)
        {
            using var cast = input.to_type(required); // its own memory: nothing left to overlap
            Overwrite<TOperator>(cast, @out, dim, algorithm);
            return;
        }

        CheckOverlap(input, @out);
        Overwrite<TOperator>(input, @out, dim, algorithm);
    }

    /// <summary>The input itself may be the output; another tensor must not share memory with a contiguous output, which is written while the input is read.</summary>
    private static void CheckOverlap(Tensor input, Tensor @out)
    {
        if (!Dtype.HasKernel(input) || !@out.is_contiguous() || input.numel() == 0)
        {
            return; // written by a copy, from a tensor of its own
        }

        unsafe
        {
            bool contiguous = input.is_contiguous();
            byte* x = contiguous ? Memory.Of(input) : Memory.OfStrided(input), y = Memory.Of(@out);
            bool same = x == y && contiguous;
            if (!same && x < y + Memory.Extent(@out) && y < x + Memory.Extent(input))
            {
                throw new ArgumentException(
                    $"'{nameof(@out)}' overlaps the memory of 'input'; the input itself or memory of its own is required.", nameof(@out));
            }
        }
    }

    private static void Overwrite<TOperator>(Tensor x, Tensor y, int dim, SoftmaxAlgorithm algorithm) where TOperator : IWritesInto
    {
        if (!Dtype.HasKernel(x))
        {
            using var composed = TOperator.Composed(x, dim);
            Memory.Discard(y, y.copy_(composed));
        }
        else if (!Memory.IsDirect(y))
        {
            using var values = Fresh<TOperator>(x, dim, algorithm);
            Memory.Discard(y, y.copy_(values));
        }
        else if (Memory.IsDirect(x))
        {
            Memory.BumpVersion(y);
            TOperator.Write(x, y, dim, algorithm);
        }
        else
        {
            Memory.Discard(y, y.copy_(x));
            TOperator.Write(y, y, dim, algorithm);
        }
    }
}
