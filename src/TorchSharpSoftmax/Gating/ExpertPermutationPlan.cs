namespace TorchSharpSoftmax;

/// <summary>A counting sort of slots by expert: where each slot's row lies, and which slot each row has.</summary>
internal sealed class ExpertPermutationPlan
{
    private ExpertPermutationPlan(long[] rows, long[] slots, long[] counts, long assigned) => (Rows, Slots, Counts, Assigned) = (rows, slots, counts, assigned);

    /// <summary>By slot: its row, or -1 where it is unused or dropped.</summary>
    internal long[] Rows { get; }

    /// <summary>By row: its slot. Grouped by expert, in the order of the slots within one.</summary>
    internal long[] Slots { get; }

    internal long[] Counts { get; }

    internal long Assigned { get; }

    internal long Dropped => Assigned - Slots.Length;

    /// <param name="experts">By slot: its expert, or -1. Kept as it is.</param>
    /// <param name="k">Slots per token.</param>
    /// <param name="num_experts">E.</param>
    /// <param name="capacity">Rows per expert at most; null for no limit.</param>
    /// <param name="priority">By slot: who comes first to a full expert; null for first choices before second ones, and in each the tokens in their order.</param>
    internal static ExpertPermutationPlan Of(ReadOnlySpan<long> experts, long k, long num_experts, long? capacity, double[]? priority)
    {
        var wanted = new long[num_experts];
        long assigned = 0;
        foreach (long expert in experts)
        {
            if (expert >= 0)
            {
                wanted[expert]++;
                assigned++;
            }
        }

        var rows = new long[experts.Length];
        Array.Fill(rows, -1);
        bool fits = capacity is null || wanted.Max() <= capacity;
        if (fits)
        {
            Array.Fill(rows, 0);
        }
        else
        {
            Admit(experts, k, capacity!.Value, priority, rows, wanted);
        }

        return Sorted(experts, rows, wanted, assigned);
    }

    /// <summary>Marks the slots that find room by 0, and leaves the counts of those.</summary>
    private static void Admit(ReadOnlySpan<long> experts, long k, long capacity, double[]? priority, long[] rows, long[] counts)
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
                rows[slot] = 0;
            }
        }
    }

    private static ExpertPermutationPlan Sorted(ReadOnlySpan<long> experts, long[] rows, long[] counts, long assigned)
    {
        var next = new long[counts.Length];
        long total = 0;
        for (int expert = 0; expert < counts.Length; expert++)
        {
            next[expert] = total;
            total += counts[expert];
        }

        var slots = new long[total];
        for (int slot = 0; slot < rows.Length; slot++)
        {
            long expert = experts[slot];
            if (rows[slot] < 0 || expert < 0)
            {
                rows[slot] = -1;
                continue;
            }

            rows[slot] = next[expert]++;
            slots[rows[slot]] = slot;
        }

        return new(rows, slots, counts, assigned);
    }

    /// <summary>Slots by falling priority, equal ones in their order, NaN last.</summary>
    private static int[] Descending(double[] priority)
    {
        int[] order = [.. Enumerable.Range(0, priority.Length)];
        Array.Sort(order, (a, b) => priority[b].CompareTo(priority[a]) is var compared && compared != 0 ? compared : a.CompareTo(b));
        return order;
    }
}
