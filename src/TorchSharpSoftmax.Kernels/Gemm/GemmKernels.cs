using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Products of matrices that lie row by row.</summary>
/// <remarks>
/// Types: float, double, <see cref="BFloat16"/> and <see cref="Half"/>; the 16-bit types compute in float, and the product is float. Each element is summed in blocks of its length that
/// depend on the extents and the vector width alone: results do not depend on the number of threads.
/// </remarks>
public static unsafe class GemmKernels
{
    /// <summary>c = a b, or c += a b.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <typeparam name="TProduct">double for double, float for the others.</typeparam>
    /// <param name="a">[rows, length], or [length, rows] where it is transposed.</param>
    /// <param name="b">[length, columns], or [columns, length] where it is transposed.</param>
    /// <param name="c">[rows, columns].</param>
    /// <param name="rows">Of the product.</param>
    /// <param name="columns">Of the product.</param>
    /// <param name="length">How many products an element is the sum of.</param>
    /// <param name="transposeA">Whether a lies transposed.</param>
    /// <param name="transposeB">Whether b lies transposed.</param>
    /// <param name="add">Whether to add to what c holds.</param>
    /// <param name="threads">At most so many threads, the caller's included.</param>
    /// <exception cref="ArgumentException">A span does not fit the extents, c overlaps a or b, or a type is another one.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A negative extent, or fewer than one thread.</exception>
    public static void Multiply<T, TProduct>(
        ReadOnlySpan<T> a, ReadOnlySpan<T> b, Span<TProduct> c, nint rows, nint columns, nint length, bool transposeA = false, bool transposeB = false, bool add = false, int threads = 1)
        where T : unmanaged
        where TProduct : unmanaged
    {
        SpanCheck.Type<T>();
        SpanCheck.Computes<T, TProduct>(nameof(TProduct));
        SpanCheck.Threads(threads);
        SpanCheck.NotNegative(rows, nameof(rows));
        SpanCheck.NotNegative(columns, nameof(columns));
        SpanCheck.NotNegative(length, nameof(length));
        SpanCheck.Size(a, SpanCheck.Product(rows, length), nameof(a));
        SpanCheck.Size(b, SpanCheck.Product(length, columns), nameof(b));
        SpanCheck.Size<TProduct>(c, SpanCheck.Product(rows, columns), nameof(c));
        SpanCheck.Separate(a, (ReadOnlySpan<TProduct>)c, nameof(c));
        SpanCheck.Separate(b, (ReadOnlySpan<TProduct>)c, nameof(c));
        fixed (T* pa = a, pb = b)
        fixed (TProduct* pc = c)
            Multiply(pa, transposeA ? 1 : length, transposeA ? rows : 1, pb, transposeB, pc, rows, columns, length, add, threads);
    }

    /// <summary>The same; a's strides are elements from row to row and from one element of a row to the next.</summary>
    internal static void Multiply<S, T>(S* a, nint aRow, nint aStep, S* b, bool transposeB, T* c, nint rows, nint columns, nint length, bool add, int threads)
        where S : unmanaged
        where T : unmanaged
    {
        if (rows == 0 || columns == 0) return;
        if (length > 0) Isa.Run<S, GemmProduct>(new(a, aRow, aStep, b, transposeB, c, rows, columns, length, add, threads), 1, 1, 1);
        else if (!add) NativeMemory.Clear(c, (nuint)rows * (nuint)columns * (nuint)sizeof(T)); // a sum of nothing
    }
}
