using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Where an operator of <see cref="IWritesInto{TOptions}"/> puts its values: a fresh tensor, the input itself, or a given tensor.</summary>
internal static class Outputs
{
    internal const string WithOut = " with 'out'";

    internal static Tensor Fresh<TOperator, TOptions>(Tensor x, TOptions options) where TOperator : IWritesInto<TOptions>
    {
        if (Memory.IsDirect(x))
        {
            var y = Memory.Fresh(x);
            TOperator.Write(x, y, options);
            return y;
        }

        var copy = Memory.FreshCopy(x);
        TOperator.Write(copy, copy, options);
        return copy;
    }

    /// <summary>The input and the options have been checked.</summary>
    internal static Tensor Functional<TOperator, TOptions>(Tensor input, ScalarType? dtype, TOptions options, Tensor? @out)
        where TOperator : IWritesInto<TOptions>
    {
        Check.Known(dtype);
        if (@out is not null)
        {
            Into<TOperator, TOptions>(input, dtype, options, @out);
            return @out;
        }

        if (dtype is { } required && required != input.dtype)
        {
            using var cast = input.to_type(required);
            return OfItsDtype<TOperator, TOptions>(cast, options);
        }

        return OfItsDtype<TOperator, TOptions>(input, options);
    }

    /// <summary>Writes over the input, whatever its strides. The input and the options have been checked.</summary>
    internal static Tensor InPlace<TOperator, TOptions>(Tensor input, TOptions options) where TOperator : IWritesInto<TOptions>
    {
        Check.NoGradient(input, nameof(input), TOperator.Spelling, "_");
        Check.NoSharedElements(input, nameof(input));
        Overwrite<TOperator, TOptions>(input, input, options);
        return input;
    }

    private static Tensor OfItsDtype<TOperator, TOptions>(Tensor x, TOptions options) where TOperator : IWritesInto<TOptions> =>
        Dtype.HasKernel(x) ? TOperator.Apply(x, options) : TOperator.Composed(x, options);

    private static void Into<TOperator, TOptions>(Tensor input, ScalarType? dtype, TOptions options, Tensor @out) where TOperator : IWritesInto<TOptions>
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
            Overwrite<TOperator, TOptions>(cast, @out, options);
            return;
        }

        CheckOverlap(input, @out);
        Overwrite<TOperator, TOptions>(input, @out, options);
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

    private static void Overwrite<TOperator, TOptions>(Tensor x, Tensor y, TOptions options) where TOperator : IWritesInto<TOptions>
    {
        if (!Dtype.HasKernel(x))
        {
            using var composed = TOperator.Composed(x, options);
            Memory.Discard(y, y.copy_(composed));
        }
        else if (!Memory.IsDirect(y))
        {
            using var values = Fresh<TOperator, TOptions>(x, options);
            Memory.Discard(y, y.copy_(values));
        }
        else if (Memory.IsDirect(x))
        {
            Memory.BumpVersion(y);
            TOperator.Write(x, y, options);
        }
        else
        {
            Memory.Discard(y, y.copy_(x));
            TOperator.Write(y, y, options);
        }
    }
}
