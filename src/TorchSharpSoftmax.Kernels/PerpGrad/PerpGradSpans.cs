namespace TorchSharpSoftmax.Kernels;

public static unsafe partial class PerpGradKernels
{
    /// <summary><c>p = g - strength * (w . g) / (|w|^2 + eps) * w</c>, then <c>y = p * |g| / |p|</c>, row by row.</summary>
    /// <remarks>
    /// A weight of zeros leaves its gradient as it is. A gradient parallel to its weight up to the type's rounding gives 0. NaN, and double vectors whose squares leave
    /// double's range, give NaN throughout their row. Paper: "Grokking at the Edge of Numerical Stability".
    /// </remarks>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="w">The weights, laid out as (rows, length).</param>
    /// <param name="g">Their gradients, of the same layout.</param>
    /// <param name="y">What is left of the gradients, of the same layout; may be w's or g's own memory.</param>
    /// <param name="rows">How many vectors there are, each projected on its own.</param>
    /// <param name="length">How many elements each has.</param>
    /// <param name="rescale">Whether what is left gets back the norm of the whole.</param>
    /// <param name="eps">Added to the weight's squared norm.</param>
    /// <param name="strength">How much of the parallel part goes: 1 all, 0 nothing.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit the layout, the spans overlap in part, or T is another type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A negative extent, fewer than one thread, a negative or infinite eps, a strength outside 0 to 1.
    /// </exception>
    public static void Project<T>(
        ReadOnlySpan<T> w, ReadOnlySpan<T> g, Span<T> y, nint rows, nint length, bool rescale = true, double eps = 1e-30, double strength = 1, int threads = 1)
        where T : unmanaged
    {
        SpanCheck.Type<T>();
        nint n = SpanCheck.Rows(rows, length);
        SpanCheck.Size(w, n, nameof(w));
        SpanCheck.Size(g, n, nameof(g));
        SpanCheck.Size<T>(y, n, nameof(y));
        SpanCheck.Overlap<T, T>(w, y, nameof(y));
        SpanCheck.Overlap<T, T>(g, y, nameof(y));
        SpanCheck.Threads(threads);
        if (!(eps >= 0 && double.IsFinite(eps))) throw new ArgumentOutOfRangeException(nameof(eps), $"'{nameof(eps)}' is {eps}; 0 or more is required.");
        if (!(strength is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(strength), $"'{nameof(strength)}' is {strength}; 0 to 1 is required.");
        fixed (T* pw = w, pg = g, py = y) Project(pw, pg, py, rows, length, new(rescale, eps, strength), threads);
    }
}
