namespace TorchSharpSoftmax.Kernels;

/// <summary>The refusals of the public span methods.</summary>
internal static unsafe class SpanCheck
{
    /// <summary>The element count of a layout, with every extent checked.</summary>
    internal static nint Layout(nint outer, nint length, nint inner)
    {
        NotNegative(outer, nameof(outer));
        NotNegative(length, nameof(length));
        NotNegative(inner, nameof(inner));
        return Product(Product(outer, length), inner);
    }

    /// <summary>The element count of rows, with both extents checked.</summary>
    internal static nint Rows(nint rows, nint length)
    {
        NotNegative(rows, nameof(rows));
        NotNegative(length, nameof(length));
        return Product(rows, length);
    }

    internal static void NotNegative(nint value, string name)
    {
        if (value < 0) throw new ArgumentOutOfRangeException(name, $"'{name}' is {value}; 0 or more is required.");
    }

    /// <summary>Of extents that are not negative; one too large for any memory stays too large for any span.</summary>
    internal static nint Product(nint a, nint b) => b != 0 && a > nint.MaxValue / b ? nint.MaxValue : a * b;

    internal static void Size<S>(ReadOnlySpan<S> span, nint required, string name)
    {
        if (span.Length != required) throw new ArgumentException($"'{name}' has {span.Length} elements; {required} are required.", name);
    }

    internal static void Threads(int threads)
    {
        if (threads < 1) throw new ArgumentOutOfRangeException(nameof(threads), $"'{nameof(threads)}' is {threads}; at least 1 is required.");
    }

    /// <summary>The refusals of an operator that makes y of x, element by element of a layout.</summary>
    internal static void Forward<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> y, nint outer, nint length, nint inner, int threads)
        where T : unmanaged
    {
        Type<T>();
        nint n = Layout(outer, length, inner);
        Size(x, n, nameof(x));
        Size(y, n, nameof(y));
        Overlap(x, y, nameof(y));
        Threads(threads);
    }

    /// <summary>The same for its derivative, made of what forward took or gave, whose name is told, and of dy.</summary>
    internal static void Backward<T>(
        ReadOnlySpan<T> kept, string nameOfKept, ReadOnlySpan<T> dy, ReadOnlySpan<T> dx, nint outer, nint length, nint inner, int threads)
        where T : unmanaged
    {
        Type<T>();
        nint n = Layout(outer, length, inner);
        Size(kept, n, nameOfKept);
        Size(dy, n, nameof(dy));
        Size(dx, n, nameof(dx));
        Overlap(kept, dx, nameof(dx));
        Overlap(dy, dx, nameof(dx));
        Threads(threads);
    }

    internal static void Algorithm(SoftmaxAlgorithm algorithm)
    {
        if (algorithm is < SoftmaxAlgorithm.Auto or > SoftmaxAlgorithm.ThreePass)
            throw new ArgumentOutOfRangeException(nameof(algorithm), $"'{nameof(algorithm)}' is {algorithm}; Auto, TwoPass or ThreePass is required.");
    }

    internal static void Type<T>()
    {
        if (typeof(T) != typeof(float) && typeof(T) != typeof(double) && typeof(T) != typeof(BFloat16) && typeof(T) != typeof(Half))
            throw new ArgumentException($"'{nameof(T)}' is {typeof(T)}; float, double, BFloat16 or Half is required.", nameof(T));
    }

    internal static void Computes<T, TComputing>(string name)
    {
        Type computes = typeof(T) == typeof(double) ? typeof(double) : typeof(float);
        if (typeof(TComputing) != computes) throw new ArgumentException($"'{name}' is {typeof(TComputing)}; {computes} is required for {typeof(T)}.", name);
    }

    /// <summary>An output that is an input's own memory is fine, one that lies partly on it is not.</summary>
    internal static void Overlap<A, B>(ReadOnlySpan<A> input, ReadOnlySpan<B> output, string name)
        where A : unmanaged
        where B : unmanaged
    {
        fixed (A* x = input)
        fixed (B* y = output)
        {
            if (x == y && typeof(A) == typeof(B) && input.Length == output.Length) return;
            if (Share(x, input.Length, y, output.Length))
                throw new ArgumentException($"'{name}' overlaps an input; the same memory or separate memory is required.", name);
        }
    }

    /// <summary>An output that is read again after it would have been written shares nothing with an input.</summary>
    internal static void Separate<A, B>(ReadOnlySpan<A> input, ReadOnlySpan<B> output, string name)
        where A : unmanaged
        where B : unmanaged
    {
        fixed (A* x = input)
        fixed (B* y = output)
        {
            if (Share(x, input.Length, y, output.Length)) throw new ArgumentException($"'{name}' overlaps an input; separate memory is required.", name);
        }
    }

    /// <summary>Whether any byte belongs to both; no span of bytes is made of either, which could not be longer than an int counts.</summary>
    private static bool Share<A, B>(A* x, int lengthOfX, B* y, int lengthOfY)
        where A : unmanaged
        where B : unmanaged =>
        lengthOfX > 0 && lengthOfY > 0 && (byte*)x < (byte*)y + (long)lengthOfY * sizeof(B) && (byte*)y < (byte*)x + (long)lengthOfX * sizeof(A);
}
