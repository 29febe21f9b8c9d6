using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>A counting sort of slots by expert: where each slot's row lies, and which slot and token each row has. Written into tensors: arrays of this size cost their pages anew.</summary>
internal sealed class ExpertPermutationPlan
{
    private ExpertPermutationPlan(Tensor places, Tensor slots, Tensor tokens, long[] counts, long assigned) =>
        (Places, Slots, Tokens, Counts, Assigned) = (places, slots, tokens, counts, assigned);

    /// <summary>[tokens, k]: the row of each slot, or -1 where it is unused or dropped.</summary>
    internal Tensor Places { get; }

    /// <summary>[rows]: the slot of each. Grouped by expert, in the order of the slots within one.</summary>
    internal Tensor Slots { get; }

    /// <summary>[rows]: the token of each.</summary>
    internal Tensor Tokens { get; }

    internal long[] Counts { get; }

    internal long Assigned { get; }

    /// <param name="indices">By slot: its expert, or -1; contiguous, on the CPU.</param>
    /// <param name="num_experts">E.</param>
    /// <param name="capacity">Rows per expert at most; null for no limit.</param>
    /// <param name="priority">By slot: who comes first to a full expert; null for first choices before second ones, and in each the tokens in their order.</param>
    internal static unsafe ExpertPermutationPlan Of(Tensor indices, long num_experts, long? capacity, double[]? priority)
    {
        var experts = new ReadOnlySpan<long>(Memory.Of(indices), checked((int)indices.numel()));
        long k = indices.size((int)indices.ndim - 1), assigned = 0;
        var wanted = new long[num_experts];
        foreach (long expert in experts)
        {
            if (expert < -1 || expert >= num_experts)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(indices), $"'{nameof(indices)}' has {expert}; 0 to {num_experts - 1}, or -1 for a slot that is not used, is required.");
            }

            if (expert >= 0)
            {
                wanted[expert]++;
                assigned++;
            }
        }

        var places = empty([experts.Length / k, k], ScalarType.Int64, CPU);
        var rows = new Span<long>(Memory.Of(places), experts.Length);
        bool fits = capacity is null || wanted.Max() <= capacity;
        rows.Fill(fits ? 0 : -1);
        if (!fits)
        {
            Admit(experts, k, capacity!.Value, priority, rows, wanted);
        }

        long count = wanted.Sum();
        Tensor slots = empty([count], ScalarType.Int64, CPU), tokens = empty([count], ScalarType.Int64, CPU);
        Sort(experts, k, rows, wanted, (long*)Memory.Of(slots), (long*)Memory.Of(tokens));
        GC.KeepAlive(indices);
        GC.KeepAlive(places);
        GC.KeepAlive(slots);
        GC.KeepAlive(tokens);
        return new(places, slots, tokens, wanted, assigned);
    }

    /// <summary>Marks the slots that find room by 0, and leaves the counts of those.</summary>
    private static void Admit(ReadOnlySpan<long> experts, long k, long capacity, double[]? priority, Span<long> rows, long[] counts)
    {
        Array.Clear(counts);
        long tokens = experts.Length / k;
        int[]? order = priority is null ? null : Descending(priority);
        for (long i = 0; i < experts.Length; i++)
        {
            long slot = order is null ? (i % tokens * k) + (i / tokens) : order[i];
            long expert = experts[(int)slot];
            if (expert >= 0 && counts[expert] < capacity)
            {
                counts[expert]++;
                rows[(int)slot] = 0;
            }
        }
    }

    /// <summary>Rows by slot, where they are 0, and slots and tokens by row.</summary>
    private static unsafe void Sort(ReadOnlySpan<long> experts, long k, Span<long> rows, long[] counts, long* slots, long* tokens)
    {
        var next = new long[counts.Length];
        long total = 0;
        for (int expert = 0; expert < counts.Length; expert++)
        {
            next[expert] = total;
            total += counts[expert];
        }

        int slot = 0;
        for (long token = 0; slot < rows.Length; token++)
        {
            for (long end = slot + k; slot < end; slot++)
            {
                long expert = experts[slot];
                if (rows[slot] < 0 || expert < 0)
                {
                    rows[slot] = -1;
                    continue;
                }

                long row = next[expert]++;
                (rows[slot], slots[row], tokens[row]) = (row, slot, token);
            }
        }
    }

    /// <summary>Slots by falling priority, equal ones in their order, NaN last.</summary>
    private static int[] Descending(double[] priority)
    {
        int[] order = [.. Enumerable.Range(0, priority.Length)];
        Array.Sort(order, (a, b) => priority[b].CompareTo(priority[a]) is var compared && compared != 0 ? compared : a.CompareTo(b));
        return order;
    }
}
