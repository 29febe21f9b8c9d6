namespace TorchSharpSoftmax.Kernels;

public static unsafe partial class SoftmaxKernels
{
    /// <summary>y = e^x / sum(e^x) along length.</summary>
    /// <remarks>
    /// Error: 4 ulp on standard normal rows of up to 2^20 elements, whatever their scale; sums are compensated. Elements at -infinity or far below the
    /// maximum become 0, gradually; a row that holds a NaN or +infinity, or only -infinity, becomes NaN.
    /// Papers: "The Two-Pass Softmax Algorithm" (the extended exponents, and the algorithm of that name).
    /// </remarks>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>; the 16-bit types compute in float.</typeparam>
    /// <param name="x">The logits, laid out as (outer, length, inner).</param>
    /// <param name="y">The probabilities, of the same layout; may be <paramref name="x"/>'s own memory.</param>
    /// <param name="outer">How many slices there are.</param>
    /// <param name="length">How many elements each sum has.</param>
    /// <param name="inner">The distance of a sum's elements: 1 for contiguous rows.</param>
    /// <param name="algorithm">How rows are walked.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit the layout, the spans overlap in part, or T is another type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative extent, fewer than one thread, or an unknown algorithm.</exception>
    public static void Softmax<T>(
        ReadOnlySpan<T> x, Span<T> y, nint outer, nint length, nint inner = 1, SoftmaxAlgorithm algorithm = SoftmaxAlgorithm.Auto, int threads = 1)
        where T : unmanaged
    {
        SpanCheck.Forward<T>(x, y, outer, length, inner, threads);
        SpanCheck.Algorithm(algorithm);
        fixed (T* px = x, py = y) Softmax(px, py, outer, length, inner, algorithm, threads);
    }

    /// <summary>y = x - log(sum(e^x)) along length, computed as (x - max) - log(sum(e^(x - max))).</summary>
    /// <remarks>
    /// Elements at -infinity stay -infinity; a row that holds a NaN or +infinity, or only -infinity, becomes NaN.
    /// Papers: "The Two-Pass Softmax Algorithm" (the sum's extended exponents).
    /// </remarks>
    /// <inheritdoc cref="Softmax{T}(ReadOnlySpan{T}, Span{T}, nint, nint, nint, SoftmaxAlgorithm, int)"/>
    /// <param name="x">The logits, laid out as (outer, length, inner).</param>
    /// <param name="y">The logarithms of probabilities, of the same layout; may be <paramref name="x"/>'s own memory.</param>
    /// <param name="outer">How many slices there are.</param>
    /// <param name="length">How many elements each sum has.</param>
    /// <param name="inner">The distance of a sum's elements: 1 for contiguous rows.</param>
    /// <param name="algorithm">How rows are walked.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    public static void LogSoftmax<T>(
        ReadOnlySpan<T> x, Span<T> y, nint outer, nint length, nint inner = 1, SoftmaxAlgorithm algorithm = SoftmaxAlgorithm.Auto, int threads = 1)
        where T : unmanaged
    {
        SpanCheck.Forward<T>(x, y, outer, length, inner, threads);
        SpanCheck.Algorithm(algorithm);
        fixed (T* px = x, py = y) LogSoftmax(px, py, outer, length, inner, algorithm, threads);
    }

    /// <summary>lse = log(sum(e^x)) along length, reading x once.</summary>
    /// <remarks>-infinity where all elements are, or where there are none; +infinity where one is; NaN where one is NaN.</remarks>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <typeparam name="TLse">What T computes in: double for double, float for the others. A result rounded to 16 bits could not serve the derivative.</typeparam>
    /// <param name="x">The logits, laid out as (outer, length, inner).</param>
    /// <param name="lse">One number for each sum, laid out as (outer, inner).</param>
    /// <param name="outer">How many slices there are.</param>
    /// <param name="length">How many elements each sum has.</param>
    /// <param name="inner">The distance of a sum's elements: 1 for contiguous rows.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit the layout, the spans overlap, or T or TLse is another type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative extent, or fewer than one thread.</exception>
    public static void LogSumExp<T, TLse>(ReadOnlySpan<T> x, Span<TLse> lse, nint outer, nint length, nint inner = 1, int threads = 1)
        where T : unmanaged
        where TLse : unmanaged
    {
        CheckLogSumExp<T, TLse>(x, lse, outer, length, inner, threads);
        SpanCheck.Overlap<T, TLse>(x, lse, nameof(lse));
        fixed (T* px = x)
        fixed (TLse* pl = lse) LogSumExp(px, pl, outer, length, inner, threads);
    }

    /// <summary>dx = y * (dy - sum(dy * y)) along length: softmax's derivative, from its result y.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>; the 16-bit types compute in float.</typeparam>
    /// <param name="y">What softmax, or log-softmax, returned, laid out as (outer, length, inner).</param>
    /// <param name="dy">The gradient of y, of the same layout.</param>
    /// <param name="dx">The gradient of x, of the same layout; may be y's or dy's own memory.</param>
    /// <param name="outer">How many slices there are.</param>
    /// <param name="length">How many elements each sum has.</param>
    /// <param name="inner">The distance of a sum's elements: 1 for contiguous rows.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit the layout, the spans overlap in part, or T is another type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative extent, or fewer than one thread.</exception>
    public static void SoftmaxBackward<T>(
        ReadOnlySpan<T> y, ReadOnlySpan<T> dy, Span<T> dx, nint outer, nint length, nint inner = 1, int threads = 1)
        where T : unmanaged
    {
        SpanCheck.Backward(y, nameof(y), dy, dx, outer, length, inner, threads);
        fixed (T* py = y, pdy = dy, pdx = dx) SoftmaxBackward(py, pdy, pdx, outer, length, inner, threads);
    }

    /// <summary>dx = dy - e^y * sum(dy) along length: log-softmax's derivative, from its result y.</summary>
    /// <inheritdoc cref="SoftmaxBackward{T}(ReadOnlySpan{T}, ReadOnlySpan{T}, Span{T}, nint, nint, nint, int)"/>
    public static void LogSoftmaxBackward<T>(
        ReadOnlySpan<T> y, ReadOnlySpan<T> dy, Span<T> dx, nint outer, nint length, nint inner = 1, int threads = 1)
        where T : unmanaged
    {
        SpanCheck.Backward(y, nameof(y), dy, dx, outer, length, inner, threads);
        fixed (T* py = y, pdy = dy, pdx = dx) LogSoftmaxBackward(py, pdy, pdx, outer, length, inner, threads);
    }

    /// <summary>dx = e^(x - lse) * dy: log-sum-exp's derivative, from its result lse.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <typeparam name="TLse">What T computes in: double for double, float for the others.</typeparam>
    /// <param name="x">The logits, laid out as (outer, length, inner).</param>
    /// <param name="lse">What log-sum-exp returned, laid out as (outer, inner).</param>
    /// <param name="dy">The gradient of lse, of its layout.</param>
    /// <param name="dx">The gradient of x, of its layout; may be x's own memory.</param>
    /// <param name="outer">How many slices there are.</param>
    /// <param name="length">How many elements each sum has.</param>
    /// <param name="inner">The distance of a sum's elements: 1 for contiguous rows.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit the layout, the spans overlap in part, or T or TLse is another type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative extent, or fewer than one thread.</exception>
    public static void LogSumExpBackward<T, TLse>(
        ReadOnlySpan<T> x, ReadOnlySpan<TLse> lse, ReadOnlySpan<T> dy, Span<T> dx, nint outer, nint length, nint inner = 1, int threads = 1)
        where T : unmanaged
        where TLse : unmanaged
    {
        CheckLogSumExp(x, lse, outer, length, inner, threads);
        SpanCheck.Size(dy, SpanCheck.Product(outer, inner), nameof(dy));
        SpanCheck.Size<T>(dx, x.Length, nameof(dx));
        SpanCheck.Overlap<T, T>(x, dx, nameof(dx));
        SpanCheck.Overlap<TLse, T>(lse, dx, nameof(dx));
        SpanCheck.Overlap<T, T>(dy, dx, nameof(dx));
        fixed (T* px = x, pdy = dy, pdx = dx)
        fixed (TLse* pl = lse) LogSumExpBackward(px, pl, pdy, pdx, outer, length, inner, threads);
    }

    private static void CheckLogSumExp<T, TLse>(ReadOnlySpan<T> x, ReadOnlySpan<TLse> lse, nint outer, nint length, nint inner, int threads)
        where T : unmanaged
        where TLse : unmanaged
    {
        SpanCheck.Type<T>();
        SpanCheck.Computes<T, TLse>(nameof(TLse));
        SpanCheck.Size(x, SpanCheck.Layout(outer, length, inner), nameof(x));
        SpanCheck.Size(lse, SpanCheck.Product(outer, inner), nameof(lse));
        SpanCheck.Threads(threads);
    }
}
