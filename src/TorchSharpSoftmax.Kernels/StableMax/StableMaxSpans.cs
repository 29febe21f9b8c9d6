namespace TorchSharpSoftmax.Kernels;

public static unsafe partial class StableMaxKernels
{
    /// <summary>y = s(x) / sum(s(x)) along length, with s(x) = x + 1 for x &gt;= 0 and 1 / (1 - x) for x &lt; 0.</summary>
    /// <remarks>
    /// Error: 4 ulp on standard normal rows of up to 2^20 elements; sums are compensated, and do not overflow. Elements at -infinity become 0; a row that
    /// holds a NaN or +infinity, or only -infinity, becomes NaN. Unlike softmax it changes when a number is added to all of a row.
    /// Paper: "Grokking at the Edge of Numerical Stability".
    /// </remarks>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>; the 16-bit types compute in float.</typeparam>
    /// <param name="x">The logits, laid out as (outer, length, inner).</param>
    /// <param name="y">The probabilities, of the same layout; may be <paramref name="x"/>'s own memory.</param>
    /// <param name="outer">How many slices there are.</param>
    /// <param name="length">How many elements each sum has.</param>
    /// <param name="inner">The distance of a sum's elements: 1 for contiguous rows.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit the layout, the spans overlap in part, or T is another type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative extent, or fewer than one thread.</exception>
    public static void StableMax<T>(ReadOnlySpan<T> x, Span<T> y, nint outer, nint length, nint inner = 1, int threads = 1)
        where T : unmanaged
    {
        SpanCheck.Forward<T>(x, y, outer, length, inner, threads);
        fixed (T* px = x, py = y) StableMax(px, py, outer, length, inner, threads);
    }

    /// <summary>y = log(s(x)) - log(sum(s(x))) along length, with log(s(x)) = sign(x) * log(1 + |x|).</summary>
    /// <remarks>
    /// Error: 4 eps of 1 + |log(s(x))| + |log(sum)|; never above 0. Elements at -infinity stay -infinity; a row that holds a NaN or +infinity, or only
    /// -infinity, becomes NaN. Paper: "Grokking at the Edge of Numerical Stability".
    /// </remarks>
    /// <inheritdoc cref="StableMax{T}(ReadOnlySpan{T}, Span{T}, nint, nint, nint, int)"/>
    public static void LogStableMax<T>(ReadOnlySpan<T> x, Span<T> y, nint outer, nint length, nint inner = 1, int threads = 1)
        where T : unmanaged
    {
        SpanCheck.Forward<T>(x, y, outer, length, inner, threads);
        fixed (T* px = x, py = y) LogStableMax(px, py, outer, length, inner, threads);
    }

    /// <summary>dx = p / (1 + |x|) * (dy - sum(p * dy)) along length, with p the probabilities: StableMax's derivative, from its input x.</summary>
    /// <remarks>From x and not from the result: that, rounded to 16 bits, would spoil the gradient.</remarks>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>; the 16-bit types compute in float.</typeparam>
    /// <param name="x">The logits, laid out as (outer, length, inner).</param>
    /// <param name="dy">The gradient of the result, of the same layout.</param>
    /// <param name="dx">The gradient of x, of the same layout; may be x's or dy's own memory.</param>
    /// <param name="outer">How many slices there are.</param>
    /// <param name="length">How many elements each sum has.</param>
    /// <param name="inner">The distance of a sum's elements: 1 for contiguous rows.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit the layout, the spans overlap in part, or T is another type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative extent, or fewer than one thread.</exception>
    public static void StableMaxBackward<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> dy, Span<T> dx, nint outer, nint length, nint inner = 1, int threads = 1)
        where T : unmanaged
    {
        SpanCheck.Backward(x, nameof(x), dy, dx, outer, length, inner, threads);
        fixed (T* px = x, pdy = dy, pdx = dx) StableMaxBackward(px, pdy, pdx, outer, length, inner, threads);
    }

    /// <summary>dx = (dy - p * sum(dy)) / (1 + |x|) along length, with p the probabilities: the logarithm's derivative, from its input x.</summary>
    /// <inheritdoc cref="StableMaxBackward{T}(ReadOnlySpan{T}, ReadOnlySpan{T}, Span{T}, nint, nint, nint, int)"/>
    public static void LogStableMaxBackward<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> dy, Span<T> dx, nint outer, nint length, nint inner = 1, int threads = 1)
        where T : unmanaged
    {
        SpanCheck.Backward(x, nameof(x), dy, dx, outer, length, inner, threads);
        fixed (T* px = x, pdy = dy, pdx = dx) LogStableMaxBackward(px, pdy, pdx, outer, length, inner, threads);
    }
}
