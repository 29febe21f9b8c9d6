namespace TorchSharpSoftmax.Kernels;

public static unsafe partial class CrossEntropyKernels
{
    /// <summary>The loss of each row, -log(p[target]), and what its gradient needs.</summary>
    /// <remarks>
    /// p = term / sum(terms), with the terms of the link. A row's loss is weight * ((1 - labelSmoothing) * -log(p[target]) + labelSmoothing / length * sum(-log(p))), each
    /// class with its own weight. It is made of positive parts alone: the relative error is that of the arithmetic however near to 1 a probability is. A term of 0 (a logit of
    /// -infinity) costs infinity where it counts; a row of nothing else, or with NaN or +infinity, is NaN; an ignored row is 0.
    /// Papers: "Grokking at the Edge of Numerical Stability" (StableMax, and why 1 - p must not be formed).
    /// </remarks>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>; the 16-bit types compute in float.</typeparam>
    /// <param name="link">How a logit becomes a term.</param>
    /// <param name="x">The logits: a row of <paramref name="length"/> for each target.</param>
    /// <param name="target">The class number of each row.</param>
    /// <param name="losses">One number per row.</param>
    /// <param name="saved">One per row, for the derivative.</param>
    /// <param name="length">How many classes there are.</param>
    /// <param name="weight">One number per class, or none.</param>
    /// <param name="ignoreIndex">The class number of rows that do not count.</param>
    /// <param name="labelSmoothing">The share of the target that is spread over all classes, 0 to 1.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit the others, losses or saved overlap an input, or T is another type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A target that is no class, a negative length, a share that is none, or fewer than one thread.</exception>
    public static void Forward<T>(
        CrossEntropyLink link, ReadOnlySpan<T> x, ReadOnlySpan<long> target, Span<double> losses, Span<CrossEntropyRow> saved, nint length,
        ReadOnlySpan<T> weight = default, long ignoreIndex = -100, double labelSmoothing = 0, int threads = 1)
        where T : unmanaged
    {
        CheckAll(link, x, weight, saved, target.Length, length, labelSmoothing, threads);
        SpanCheck.Size<double>(losses, target.Length, nameof(losses));
        CheckClasses(target, length, ignoreIndex);
        CheckResults(x, target, weight, losses, saved);
        fixed (T* px = x, pw = weight)
        fixed (float* pf = Widened(weight))
        fixed (long* pt = target)
        fixed (double* pl = losses)
        fixed (CrossEntropyRow* ps = saved)
            Forward(link, px, new(pt, null, pf != null ? pf : pw, length, ignoreIndex, labelSmoothing), pl, ps, target.Length, threads);
    }

    /// <summary>The same for targets that are probabilities, of the logits' layout: sum(weight * ((1 - labelSmoothing) * target + labelSmoothing / length) * -log(p)).</summary>
    /// <remarks>What counts with exactly 0 counts 0, also where p is 0. <inheritdoc cref="Forward{T}(CrossEntropyLink, ReadOnlySpan{T}, ReadOnlySpan{long}, Span{double}, Span{CrossEntropyRow}, nint, ReadOnlySpan{T}, long, double, int)" path="/remarks"/></remarks>
    /// <inheritdoc cref="Forward{T}(CrossEntropyLink, ReadOnlySpan{T}, ReadOnlySpan{long}, Span{double}, Span{CrossEntropyRow}, nint, ReadOnlySpan{T}, long, double, int)"/>
    /// <param name="link">How a logit becomes a term.</param>
    /// <param name="x">The logits: a row of <paramref name="length"/> for each loss.</param>
    /// <param name="target">The probabilities, laid out as <paramref name="x"/>.</param>
    /// <param name="losses">One number per row.</param>
    /// <param name="saved">One per row, for the derivative.</param>
    /// <param name="length">How many classes there are.</param>
    /// <param name="weight">One number per class, or none.</param>
    /// <param name="labelSmoothing">The share of the target that is spread over all classes, 0 to 1.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    public static void Forward<T>(
        CrossEntropyLink link, ReadOnlySpan<T> x, ReadOnlySpan<T> target, Span<double> losses, Span<CrossEntropyRow> saved, nint length,
        ReadOnlySpan<T> weight = default, double labelSmoothing = 0, int threads = 1)
        where T : unmanaged
    {
        CheckAll(link, x, weight, saved, losses.Length, length, labelSmoothing, threads);
        SpanCheck.Size(target, x.Length, nameof(target));
        CheckResults(x, target, weight, losses, saved);
        fixed (T* px = x, pt = target, pw = weight)
        fixed (float* pf = Widened(weight))
        fixed (double* pl = losses)
        fixed (CrossEntropyRow* ps = saved)
            Forward(link, px, new(null, pt, pf != null ? pf : pw, length, 0, labelSmoothing), pl, ps, losses.Length, threads);
    }

    /// <summary>dx = dy / divisor * slope * (q_sum * p - q): the derivative of <c>Forward</c>, where slope is that of log(term), and q what each class counts.</summary>
    /// <remarks>Of a class number's row without smoothing every element has the relative precision of the arithmetic, and is rounded once where it is subnormal.</remarks>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="link">As forward.</param>
    /// <param name="x">As forward.</param>
    /// <param name="target">As forward.</param>
    /// <param name="saved">What forward has written.</param>
    /// <param name="dy">The gradient of the losses: one number for each row, or one for all.</param>
    /// <param name="dx">The gradient of x; may be x's own memory.</param>
    /// <param name="length">As forward.</param>
    /// <param name="divisor">What dy is divided by: for a mean the weights of the targets that count.</param>
    /// <param name="weight">As forward.</param>
    /// <param name="ignoreIndex">As forward.</param>
    /// <param name="labelSmoothing">As forward.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit the others, dx overlaps x in part or another input, or T is another type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A target that is no class, a negative length, a share that is none, or fewer than one thread.</exception>
    public static void Backward<T>(
        CrossEntropyLink link, ReadOnlySpan<T> x, ReadOnlySpan<long> target, ReadOnlySpan<CrossEntropyRow> saved, ReadOnlySpan<T> dy, Span<T> dx, nint length,
        double divisor = 1, ReadOnlySpan<T> weight = default, long ignoreIndex = -100, double labelSmoothing = 0, int threads = 1)
        where T : unmanaged
    {
        CheckAll(link, x, weight, saved, target.Length, length, labelSmoothing, threads);
        CheckClasses(target, length, ignoreIndex);
        CheckGradients(x, weight, saved, dy, dx);
        SpanCheck.Overlap<long, T>(target, dx, nameof(dx));
        fixed (T* px = x, pw = weight, pdy = dy, pdx = dx)
        fixed (float* pf = Widened(weight))
        fixed (long* pt = target)
        fixed (CrossEntropyRow* ps = saved)
        {
            CrossEntropyTargets targets = new(pt, null, pf != null ? pf : pw, length, ignoreIndex, labelSmoothing);
            Backward(link, px, targets, ps, pdy, dy.Length > 1 ? 1 : 0, divisor, pdx, target.Length, threads);
        }
    }

    /// <summary>The same for targets that are probabilities.</summary>
    /// <inheritdoc cref="Backward{T}(CrossEntropyLink, ReadOnlySpan{T}, ReadOnlySpan{long}, ReadOnlySpan{CrossEntropyRow}, ReadOnlySpan{T}, Span{T}, nint, double, ReadOnlySpan{T}, long, double, int)"/>
    /// <param name="link">As forward.</param>
    /// <param name="x">As forward.</param>
    /// <param name="target">As forward.</param>
    /// <param name="saved">What forward has written.</param>
    /// <param name="dy">The gradient of the losses: one number for each row, or one for all.</param>
    /// <param name="dx">The gradient of x; may be x's own memory.</param>
    /// <param name="length">As forward.</param>
    /// <param name="divisor">What dy is divided by: for a mean the number of rows.</param>
    /// <param name="weight">As forward.</param>
    /// <param name="labelSmoothing">As forward.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    public static void Backward<T>(
        CrossEntropyLink link, ReadOnlySpan<T> x, ReadOnlySpan<T> target, ReadOnlySpan<CrossEntropyRow> saved, ReadOnlySpan<T> dy, Span<T> dx, nint length,
        double divisor = 1, ReadOnlySpan<T> weight = default, double labelSmoothing = 0, int threads = 1)
        where T : unmanaged
    {
        CheckAll(link, x, weight, saved, saved.Length, length, labelSmoothing, threads);
        SpanCheck.Size(target, x.Length, nameof(target));
        CheckGradients(x, weight, saved, dy, dx);
        Separate(target, dx);
        fixed (T* px = x, pt = target, pw = weight, pdy = dy, pdx = dx)
        fixed (float* pf = Widened(weight))
        fixed (CrossEntropyRow* ps = saved)
        {
            CrossEntropyTargets targets = new(null, pt, pf != null ? pf : pw, length, 0, labelSmoothing);
            Backward(link, px, targets, ps, pdy, dy.Length > 1 ? 1 : 0, divisor, pdx, saved.Length, threads);
        }
    }

    private static void CheckAll<T>(
        CrossEntropyLink link, ReadOnlySpan<T> x, ReadOnlySpan<T> weight, ReadOnlySpan<CrossEntropyRow> saved, nint rows, nint length, double labelSmoothing, int threads)
        where T : unmanaged
    {
        SpanCheck.Type<T>();
        if (link is not (CrossEntropyLink.StableMax or CrossEntropyLink.Softmax))
            throw new ArgumentOutOfRangeException(nameof(link), $"'{nameof(link)}' is {(int)link}; StableMax or Softmax is required.");
        SpanCheck.Size(x, SpanCheck.Rows(rows, length), nameof(x));
        SpanCheck.Size(saved, rows, nameof(saved));
        if (!weight.IsEmpty) SpanCheck.Size(weight, length, nameof(weight));
        if (!(labelSmoothing is >= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(labelSmoothing), $"'{nameof(labelSmoothing)}' is {labelSmoothing}; 0 to 1 is required.");
        SpanCheck.Threads(threads);
    }

    private static void CheckClasses(ReadOnlySpan<long> target, nint length, long ignoreIndex)
    {
        fixed (long* classes = target)
        {
            var (wrong, _) = new CrossEntropyTargets(classes, null, null, length, ignoreIndex, 0).Scan<double>(target.Length);
            if (wrong >= 0)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(target), $"'{nameof(target)}' is {classes[wrong]} at [{wrong}]; 0 to {length - 1}, or {nameof(ignoreIndex)} ({ignoreIndex}), is required.");
            }
        }
    }

    /// <summary>Rows are read and written by turns, in no order.</summary>
    private static void CheckResults<T, TTarget>(
        ReadOnlySpan<T> x, ReadOnlySpan<TTarget> target, ReadOnlySpan<T> weight, ReadOnlySpan<double> losses, ReadOnlySpan<CrossEntropyRow> saved)
        where T : unmanaged
        where TTarget : unmanaged
    {
        SpanCheck.Separate(x, losses, nameof(losses));
        SpanCheck.Separate(target, losses, nameof(losses));
        SpanCheck.Separate(weight, losses, nameof(losses));
        SpanCheck.Separate(x, saved, nameof(saved));
        SpanCheck.Separate(target, saved, nameof(saved));
        SpanCheck.Separate(weight, saved, nameof(saved));
    }

    private static void CheckGradients<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> weight, ReadOnlySpan<CrossEntropyRow> saved, ReadOnlySpan<T> dy, ReadOnlySpan<T> dx)
        where T : unmanaged
    {
        if (dy.Length != 1) SpanCheck.Size(dy, saved.Length, nameof(dy));
        SpanCheck.Size(dx, x.Length, nameof(dx));
        SpanCheck.Overlap(x, dx, nameof(dx));
        SpanCheck.Overlap(saved, dx, nameof(dx));
        Separate(dy, dx);
        Separate(weight, dx);
    }

    /// <summary>Not even the same memory: it is read again after it would have been written.</summary>
    private static void Separate<T>(ReadOnlySpan<T> input, ReadOnlySpan<T> dx) where T : unmanaged
    {
        if (input.Overlaps(dx)) throw new ArgumentException($"'{nameof(dx)}' overlaps an input other than x; separate memory is required.", nameof(dx));
    }

    /// <summary>Weights of a 16-bit type in the computing type; null for the others.</summary>
    private static float[]? Widened<T>(ReadOnlySpan<T> weight) where T : unmanaged
    {
        if (weight.IsEmpty || sizeof(T) != sizeof(ushort)) return null;
        var wide = new float[weight.Length];
        for (int i = 0; i < wide.Length; i++) wide[i] = weight[i] is BFloat16 b ? b : (float)(Half)(object)weight[i];
        return wide;
    }
}
