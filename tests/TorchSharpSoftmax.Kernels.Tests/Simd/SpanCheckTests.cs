namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The refusals that all operators share.</summary>
public sealed unsafe class SpanCheckTests
{
    /// <summary>No element is read, so that the spans may be larger than the memory.</summary>
    [Fact]
    public void Spans_of_more_bytes_than_an_int_counts_are_compared()
    {
        nint first = 1 << 20, count = 600_000_000;
        ReadOnlySpan<float> input = new((float*)first, (int)count);
        SpanCheck.Separate(input, new ReadOnlySpan<double>((float*)first + count, 300_000_000), "y");
        bool refused = false;
        try
        {
            SpanCheck.Separate(input, new ReadOnlySpan<double>((float*)first + count - 1, 300_000_000), "y");
        }
        catch (ArgumentException refusal)
        {
            refused = true;
            Assert.Equal("'y' overlaps an input; separate memory is required. (Parameter 'y')", refusal.Message);
        }

        Assert.True(refused);
    }
}
