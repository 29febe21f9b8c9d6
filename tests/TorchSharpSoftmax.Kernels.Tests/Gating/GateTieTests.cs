namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>A million rows with forced ties against a stable sort, fewer at lesser widths: an order that is lost in a list shows in few rows of very many.</summary>
public sealed class GateTieTests
{
    private const int Tokens = 1_000_000, TokensAtLesserWidths = 150_001;

    [Theory]
    [InlineData(8, 1)]
    [InlineData(8, 2)]
    [InlineData(8, 5)]
    [InlineData(5, 3)]
    public void Of_equal_logits_the_lowest_expert_comes_first_at_every_width_and_thread_count(int experts, int kept)
    {
        var random = new Random(experts + kept);
        var x = new float[Tokens * experts];
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = random.Next(4);
        }

        long[] expected = StableSort(x, experts, kept);
        var (weights, indices, counts) = (new float[Tokens * kept], new long[Tokens * kept], new long[experts]);
        int tokens = Tokens;
        foreach (int bits in Widths.EachVector())
        {
            long[] some = expected[..(tokens * kept)];
            foreach (int threads in (int[])[1, 2])
            {
                Array.Fill(indices, -1);
                GateKernels.TopK<float, float>(
                    x.AsSpan(0, tokens * experts), [], weights.AsSpan(0, some.Length), indices.AsSpan(0, some.Length), counts, [], [], [], new(tokens, experts, kept),
                    new(TopKGateMode.KeptSoftmax), threads);
                int same = some.AsSpan().CommonPrefixLength(indices);
                Assert.True(same == some.Length, $"Width {bits}, {threads} threads: token {same / kept} differs.");
                Assert.Equal((long)some.Length, counts.Sum());
            }

            tokens = TokensAtLesserWidths;
        }
    }

    /// <summary>Of whole numbers from 3 down to 0, each in the order in which they lie.</summary>
    private static long[] StableSort(float[] x, int experts, int kept)
    {
        var sorted = new long[x.Length / experts * kept];
        for (int row = 0, to = 0; row < x.Length; row += experts)
        {
            int stop = to + kept;
            for (int value = 3; value >= 0; value--)
            {
                for (int e = 0; e < experts && to < stop; e++)
                {
                    if (x[row + e] == value)
                    {
                        sorted[to++] = e;
                    }
                }
            }
        }

        return sorted;
    }
}
