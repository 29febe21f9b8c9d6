namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Indices beyond 31 bits: opt-in, for the 4 GiB that it takes.</summary>
public sealed unsafe class HugeTensorTests
{
    private static readonly nint Count = unchecked((nint)((1L << 31) + 4099));

    [Fact(Explicit = true)]
    public void More_than_2_Gi_elements_in_one_row_are_all_reached()
    {
        using var pages = new GuardedPages((nuint)Count * sizeof(ushort));
        foreach (int bits in Widths.Each())
        {
            BFloat16* x = Fill(pages);
            SoftmaxKernels.Softmax(x, x, 1, Count, 1, SoftmaxAlgorithm.TwoPass, 2);
            AssertFour(x, bits);
        }
    }

    [Fact(Explicit = true)]
    public void More_than_2_Gi_elements_in_two_interleaved_rows_are_all_reached()
    {
        using var pages = new GuardedPages((nuint)Count * sizeof(ushort));
        foreach (int bits in Widths.Each())
        {
            BFloat16* x = Fill(pages);
            SoftmaxKernels.Softmax(x, x, 1, (Count - 1) / 2, 2, SoftmaxAlgorithm.Auto, 2); // the last element is no part of it
            Assert.Equal(0.0, x[Count - 1]); // still the input's zero
            Assert.Equal(0.5, x[0], 1e-2);
            Assert.Equal(0.5, x[Count / 2 / 2 * 2], 1e-2);
            Assert.InRange((float)x[Count - 3], 0, 1e-15f);
        }
    }

    /// <summary>Four elements above the rest: the ends, the middle, the last but one.</summary>
    private static BFloat16* Fill(GuardedPages pages)
    {
        var x = (BFloat16*)pages.End - Count;
        var low = (BFloat16)(-60f);
        for (nint i = 0; i < Count; i++)
        {
            x[i] = low;
        }

        x[0] = x[Count / 2 / 2 * 2] = x[Count - 2] = x[Count - 1] = default;
        return x;
    }

    private static void AssertFour(BFloat16* x, int bits)
    {
        foreach (nint i in (nint[])[0, Count / 2 / 2 * 2, Count - 2, Count - 1])
        {
            Assert.True(Math.Abs(x[i] - 0.25f) < 1e-3f, $"[{i}] is {x[i]}, width {bits}");
        }

        Assert.InRange((float)x[Count - 3], 0, 1e-15f);
    }
}
