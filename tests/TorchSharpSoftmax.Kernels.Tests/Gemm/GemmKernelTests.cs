using static TorchSharpSoftmax.Kernels.Tests.Refusals;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Products, closed once per stored type below; each test runs at every vector width, on guarded memory.</summary>
public abstract class GemmKernelTests<S, T, E, A> : IDisposable
    where S : unmanaged
    where T : unmanaged
    where E : IElement<S>
    where A : IElement<T>
{
    /// <summary>Of the sum of the products' sizes: each step of a sum rounds, in one direction at worst.</summary>
    private const double Units = 8;

    private readonly GuardedMemory<S> _a = new(600_000), _b = new(600_000);
    private readonly GuardedMemory<T> _c = new(160_000);

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
        _c.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Every_small_extent_gives_the_reference()
    {
        int[] extents = [1, 2, 5, 6, 7, 8, 9, 15, 16, 17, 24, 31, 33, 47, 48, 49, 50];
        foreach (int bits in Widths.Each())
        {
            for (int i = 0; i < extents.Length; i++)
            {
                Check(extents[i], extents[(i + 5) % extents.Length], extents[(i + 11) % extents.Length], i % 2 == 0, i % 3 == 0, i % 5 == 0, $"{bits} bits");
            }
        }
    }

    /// <summary>Several slices of rows, blocks of columns and blocks of the length, none of them full.</summary>
    [Theory]
    [InlineData(131, 397, 29)]
    [InlineData(67, 101, 2600)]
    [InlineData(13, 64, 1100)] // one vector is left of each row, of floats and of doubles
    [InlineData(13, 56, 1700)]
    public void Extents_beyond_every_block_give_the_reference(int rows, int columns, int length)
    {
        foreach (int bits in Widths.Each())
        {
            for (int kind = 0; kind < 4; kind++)
            {
                Check(rows, columns, length, (kind & 1) != 0, (kind & 2) != 0, kind == 1, $"{bits} bits");
            }
        }
    }

    [Fact]
    public void A_sum_of_nothing_is_zero_and_adds_nothing()
    {
        foreach (int bits in Widths.Each())
        {
            T[] c = Elements.From<T, A>([1, 2, 3, 4, 5, 6]);
            GemmKernels.Multiply<S, T>([], [], c, 2, 3, 0, add: true);
            Assert.Equal([1, 2, 3, 4, 5, 6], Elements.ToDoubles<T, A>(c));
            GemmKernels.Multiply<S, T>([], [], c, 2, 3, 0);
            Assert.Equal([0, 0, 0, 0, 0, 0], Elements.ToDoubles<T, A>(c));
        }
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_bits()
    {
        foreach (int bits in Widths.Each())
        {
            S[] a = Elements.From<S, E>(Samples.Normal(1, 333 * 70)), b = Elements.From<S, E>(Samples.Normal(2, 70 * 301));
            T[] one = new T[333 * 301], many = new T[333 * 301];
            GemmKernels.Multiply<S, T>(a, b, one, 333, 301, 70);
            foreach (int threads in (int[])[3, int.MaxValue])
            {
                GemmKernels.Multiply<S, T>(a, b, many, 333, 301, 70, threads: threads);
                Bits.AssertSame<T>($"{bits} bits, {threads} threads", one, many);
            }
        }
    }

    [Fact]
    public void Wrong_spans_are_refused_by_name()
    {
        S[] six = new S[6];
        T[] four = new T[4];
        Refuses("a", "'a' has 6 elements; 4 are required.", () => GemmKernels.Multiply<S, T>(six, six, four, 2, 2, 2));
        Refuses("b", "'b' has 6 elements; 4 are required.", () => GemmKernels.Multiply<S, T>(six.AsSpan(2), six, four, 2, 2, 2));
        Refuses("c", "'c' has 4 elements; 9 are required.", () => GemmKernels.Multiply<S, T>(six, six, four, 3, 3, 2));
        Refuses("threads", "'threads' is 0; at least 1 is required.", () => GemmKernels.Multiply<S, T>(six, six, four, 2, 2, 3, threads: 0));
        Refuses("rows", "'rows' is -1; 0 or more is required.", () => GemmKernels.Multiply<S, T>(six, six, four, -1, 2, 3));
        Refuses("columns", "'columns' is -1; 0 or more is required.", () => GemmKernels.Multiply<S, T>(six, six, four, 2, -1, 3));
        Refuses("length", "'length' is -1; 0 or more is required.", () => GemmKernels.Multiply<S, T>(six, six, four, 2, 2, -1));
        Refuses("T", "'T' is System.Int32;", () => GemmKernels.Multiply<int, float>(new int[4], new int[4], new float[4], 2, 2, 2));
        if (typeof(S) == typeof(T))
        {
            var shared = (T[])(object)six;
            Refuses("c", "'c' overlaps an input", () => GemmKernels.Multiply<S, T>(six, new S[6], shared.AsSpan(0, 4), 2, 2, 3));
        }
    }

    private void Check(int rows, int columns, int length, bool transposeA, bool transposeB, bool add, string what)
    {
        S[] a = Elements.From<S, E>(Samples.Normal(rows, rows * length)), b = Elements.From<S, E>(Samples.Normal(columns, length * columns));
        T[] before = Elements.From<T, A>(Samples.Normal(length, rows * columns));
        double[] x = Elements.ToDoubles<S, E>(a), y = Elements.ToDoubles<S, E>(b), z = Elements.ToDoubles<T, A>(before);
        var exact = new Expected[rows * columns];
        for (int i = 0; i < rows; i++)
        {
            for (int j = 0; j < columns; j++)
            {
                double sum = add ? z[(i * columns) + j] : 0, size = Math.Abs(sum);
                for (int k = 0; k < length; k++)
                {
                    double product = x[transposeA ? (k * rows) + i : (i * length) + k] * y[transposeB ? (j * length) + k : (k * columns) + j];
                    sum += product;
                    size += Math.Abs(product);
                }

                exact[(i * columns) + j] = new(sum, size);
            }
        }

        using IDisposable working = GuardedBlocks.Enter();
        foreach (Placement placement in (Placement[])[Placement.Ending, Placement.OffByOne])
        {
            GuardedRow<S> left = _a.Row(a, placement), right = _b.Row(b, placement);
            GuardedRow<T> product = _c.Row(before, placement);
            GemmKernels.Multiply(left.Span, right.Span, product.Span, rows, columns, length, transposeA, transposeB, add);
            product.AssertNothingElseWritten(what);
            T[] bits = product.Span.ToArray();
            before.CopyTo(product.Span);
            Strided(left, right, product, transposeA, transposeB, add, rows, columns, length);
            product.AssertNothingElseWritten($"{what}, by strides");
            Bits.AssertSame<T>($"{what}, by strides", bits, product.Span);
            Bits.AssertSame<S>($"{what}: its left side", a, left.Span);
            Bits.AssertSame<S>($"{what}: its right side", b, right.Span);
            Close.Assert($"[{rows}, {length}] x [{length}, {columns}], {(transposeA ? "transposed" : "plain")} by {(transposeB ? "transposed" : "plain")}, {what}", Elements.ToDoubles<T, A>(product.Span), exact, A.Stored, A.Arithmetic, Units);
        }
    }

    /// <summary>The form that other kernels call, on two threads.</summary>
    private static unsafe void Strided(
        GuardedRow<S> a, GuardedRow<S> b, GuardedRow<T> c, bool transposeA, bool transposeB, bool add, int rows, int columns, int length) =>
        GemmKernels.Multiply(a.Pointer, transposeA ? 1 : length, transposeA ? rows : 1, b.Pointer, transposeB, c.Pointer, rows, columns, length, add, threads: 2);
}

public sealed class FloatGemmKernelTests : GemmKernelTests<float, float, FloatElement, FloatElement>;

public sealed class DoubleGemmKernelTests : GemmKernelTests<double, double, DoubleElement, DoubleElement>;

public sealed class BFloat16GemmKernelTests : GemmKernelTests<BFloat16, float, BFloat16Element, FloatElement>;

public sealed class HalfGemmKernelTests : GemmKernelTests<Half, float, HalfElement, FloatElement>;
