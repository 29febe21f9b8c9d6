using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What the load-balance loss multiplies each expert's summed probability by, [sequences, E] in float64: its share of the assignments over the tokens, times a scale.</summary>
internal static class LoadBalanceFactors
{
    /// <param name="choices">[..., k], Int64; numbers that are no experts are refused.</param>
    /// <param name="mask">Which tokens count, or null.</param>
    /// <param name="sequences">How many there are.</param>
    /// <param name="length">Tokens of each.</param>
    /// <param name="experts">E.</param>
    /// <param name="scale">The loss at balance times E.</param>
    internal static Tensor Of(Tensor choices, Tensor? mask, long sequences, long length, long experts, double scale) =>
        choices.device_type == DeviceType.CPU && !choices.is_sparse && Math.Max(sequences, 1) * experts <= Array.MaxLength
            ? Walked(choices, mask, sequences, length, experts, scale)
            : Composed(choices, mask, sequences, length, experts, scale);

    internal static Tensor Composed(Tensor choices, Tensor? mask, long sequences, long length, long experts, double scale)
    {
        long k = choices.size((int)choices.ndim - 1);
        var counted = mask?.reshape(sequences, length, 1);
        var weights = counted?.expand(sequences, length, k).reshape(sequences, length * k).to_type(ScalarType.Float64);
        var counts = RoutingMath.Counts(choices.reshape(sequences, length * k), experts, weights, "indices");
        var one = RoutingMath.Number(1, ScalarType.Float64);
        var size = counted is null
            ? RoutingMath.Number(length, ScalarType.Float64).expand(sequences)
            : counted.reshape(sequences, length).to_type(ScalarType.Float64).sum(1);
        var present = size.minimum(one).sum().maximum(one); // sequences that have a token
        var share = counts.div(counts.sum(1, keepdim: true).maximum(one));
        return share.div(size.maximum(one).unsqueeze(1)).mul(RoutingMath.Number(scale, ScalarType.Float64)).div(present);
    }

    /// <summary>The same in one walk over the indices: as operators it is some twenty, of which each costs as much as the walk.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // long calls, but few: it would be compiled well only after some thirty of them
    private static unsafe Tensor Walked(Tensor choices, Tensor? mask, long sequences, long length, long experts, double scale)
    {
        long k = choices.size((int)choices.ndim - 1), present = 0;
        var factors = empty([sequences, experts], ScalarType.Float64, CPU);
        Tensor all = Memory.Contiguous(choices), counted = mask is null ? choices : Memory.Contiguous(mask);
        long* index = (long*)Memory.Of(all);
        byte* counts = mask is null ? null : Memory.Of(counted);
        double* factor = (double*)Memory.Of(factors);
        var named = new long[experts];
        for (long sequence = 0; sequence < sequences; sequence++, factor += experts)
        {
            Array.Clear(named);
            long size = length, assigned = 0;
            if (counts is null)
            {
                Count(index, length * k, 1, named, choices);
                index += length * k;
            }
            else
            {
                size = 0;
                for (long token = 0; token < length; token++, index += k)
                {
                    int one = counts[(sequence * length) + token] != 0 ? 1 : 0;
                    size += one;
                    Count(index, k, one, named, choices);
                }
            }

            foreach (long times in named)
            {
                assigned += times;
            }

            present += Math.Min(size, 1);
            for (long e = 0; e < experts; e++)
            {
                factor[e] = (double)named[e] / Math.Max(assigned, 1) / Math.Max(size, 1) * scale;
            }
        }

        for (factor -= sequences * experts; present > 1 && factor < (double*)Memory.Of(factors) + (sequences * experts); factor++)
        {
            *factor /= present;
        }

        GC.KeepAlive(all);
        GC.KeepAlive(counted);
        GC.KeepAlive(factors);
        return factors;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)] // to be compiled well at once, too
    private static unsafe void Count(long* index, long slots, long one, long[] named, Tensor choices)
    {
        for (long* end = index + slots; index < end; index++)
        {
            long expert = *index;
            if ((ulong)expert < (ulong)named.Length)
            {
                named[expert] += one;
            }
            else if (expert != -1)
            {
                RoutingMath.CheckRange(choices, named.Length, "indices"); // refuses, and says what
            }
        }
    }

    /// <summary>What each expert's mean probability is multiplied by, where the assignments are counted already: [rows, E] in float64: the loss is the mean of the rows' losses.</summary>
    /// <param name="counts">[rows, E] of any dtype.</param>
    /// <param name="scale">The loss at balance times E.</param>
    internal static Tensor OfCounts(Tensor counts, double scale) =>
        counts.device_type == DeviceType.CPU && counts.dtype == ScalarType.Int64 && !counts.is_sparse ? Walked(counts, scale) : Composed(counts, scale);

    internal static Tensor Composed(Tensor counts, double scale)
    {
        var number = counts.to_type(ScalarType.Float64);
        var total = number.sum(1, keepdim: true).maximum(RoutingMath.Number(1, ScalarType.Float64));
        return number.div(total).mul(RoutingMath.Number(scale / Math.Max(counts.size(0), 1), ScalarType.Float64));
    }

    private static unsafe Tensor Walked(Tensor counts, double scale)
    {
        long rows = counts.size(0), experts = counts.size(1);
        scale /= Math.Max(rows, 1);
        Tensor factors = empty([rows, experts], ScalarType.Float64, CPU), all = Memory.Contiguous(counts);
        long* count = (long*)Memory.Of(all);
        double* factor = (double*)Memory.Of(factors);
        for (long row = 0; row < rows; row++, count += experts, factor += experts)
        {
            double total = 0;
            for (long e = 0; e < experts; e++)
            {
                total += count[e];
            }

            total = Math.Max(total, 1);
            for (long e = 0; e < experts; e++)
            {
                factor[e] = count[e] / total * scale;
            }
        }

        GC.KeepAlive(all);
        GC.KeepAlive(factors);
        return factors;
    }
}
