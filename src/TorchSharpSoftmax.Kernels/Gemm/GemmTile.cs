using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The innermost product: a few rows of a matrix against a packed panel of another, all sums in registers.</summary>
/// <remarks>
/// a is read where it lies, one element at a time, row and step being its strides; b is a panel of <see cref="GemmPanel{V, S, T, M}"/>, read once from front to back. As many sums are kept as
/// the width has registers for: 24 of 32 at 512 bits, 12 of 16 otherwise. Written out, for an array of sums would live in memory.
/// </remarks>
internal static unsafe class GemmTile<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    /// <summary>Rows of one tile.</summary>
    internal static nint Rows
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => IsWide ? 8 : 6;
    }

    /// <summary>Columns of one tile, and of a panel.</summary>
    internal static nint Columns
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => IsWide ? 3 * V.Count : 2 * V.Count;
    }

    private static bool IsWide
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => sizeof(V) == 64;
    }

    /// <summary>Elements of a line of memory, at least: so often the rows ahead are asked for.</summary>
    internal const nint Line = 16;

    /// <summary>c[i] = a[i] b for the first rows, or += where add. Tiles are whole: c has pointers to <see cref="Rows"/> rows of <see cref="Columns"/> elements, some of which may be scrap.</summary>
    /// <param name="a">The first row's first element.</param>
    /// <param name="row">Elements from row to row of a.</param>
    /// <param name="step">Elements from one element of a row to the next.</param>
    /// <param name="rows">How many rows there are, at least 1.</param>
    /// <param name="ahead">Where what a will be next time lies, seen from a: it is asked for meanwhile, where step is 1.</param>
    /// <param name="soon">What a later tile will read as its panel: one row of it is asked for per <see cref="Line"/> sums.</param>
    /// <param name="b">The panel.</param>
    /// <param name="length">How many products are summed.</param>
    /// <param name="c">Where sums go.</param>
    /// <param name="add">Whether to what is there.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Run(T* a, nint row, nint step, nint rows, nint ahead, T* soon, T* b, nint length, T** c, bool add)
    {
        if (IsWide) Tile8x3(a, row, step, rows, ahead, soon, b, length, c, add);
        else Tile6x2(a, row, step, rows, ahead, soon, b, length, c, add);
    }

    /// <summary>The same where rows or columns may be fewer than a tile's: c has room for a tile's rows and is used up, scrap is room for a tile that nobody reads.</summary>
    internal static void RunPart(T* a, nint row, nint step, nint rows, nint columns, nint ahead, T* soon, T* b, nint length, T** c, T* scrap, bool add)
    {
        bool isNarrow = IsWide && columns <= V.Count;
        if (columns == Columns || (isNarrow && columns == V.Count))
        {
            for (nint i = rows; i < Rows; i++) c[i] = scrap;
            if (isNarrow) Tile8x1(a, row, step, rows, ahead, soon, b, length, c, add);
            else Run(a, row, step, rows, ahead, soon, b, length, c, add);
            return;
        }
        T** sums = stackalloc T*[(int)Rows];
        for (nint i = 0; i < Rows; i++) sums[i] = scrap + i * Columns;
        if (isNarrow) Tile8x1(a, row, step, rows, ahead, soon, b, length, sums, add: false);
        else Run(a, row, step, rows, ahead, soon, b, length, sums, add: false);
        for (nint i = 0; i < rows; i++)
        {
            for (nint j = 0; j < columns; j++) c[i][j] = add ? Const.Of<T>(Const.ToDouble(c[i][j]) + Const.ToDouble(sums[i][j])) : sums[i][j];
        }
    }

    /// <summary>8 rows of 3 vectors.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static void Tile8x3(T* a, nint row, nint step, nint rows, nint ahead, T* soon, T* b, nint length, T** c, bool add)
    {
        nint r1 = Math.Min(1, rows - 1) * row, r2 = Math.Min(2, rows - 1) * row, r3 = Math.Min(3, rows - 1) * row, r4 = Math.Min(4, rows - 1) * row, r5 = Math.Min(5, rows - 1) * row, r6 = Math.Min(6, rows - 1) * row, r7 = Math.Min(7, rows - 1) * row;
        T* c0 = c[0];
        T* c1 = c[1];
        T* c2 = c[2];
        T* c3 = c[3];
        T* c4 = c[4];
        T* c5 = c[5];
        T* c6 = c[6];
        T* c7 = c[7];
        Cache.PrefetchHere(c0); Cache.PrefetchHere(c1); Cache.PrefetchHere(c2); Cache.PrefetchHere(c3); Cache.PrefetchHere(c4); Cache.PrefetchHere(c5); Cache.PrefetchHere(c6); Cache.PrefetchHere(c7);
        Cache.PrefetchHere(c0 + V.Count); Cache.PrefetchHere(c1 + V.Count); Cache.PrefetchHere(c2 + V.Count); Cache.PrefetchHere(c3 + V.Count); Cache.PrefetchHere(c4 + V.Count); Cache.PrefetchHere(c5 + V.Count); Cache.PrefetchHere(c6 + V.Count); Cache.PrefetchHere(c7 + V.Count);
        Cache.PrefetchHere(c0 + 2 * V.Count); Cache.PrefetchHere(c1 + 2 * V.Count); Cache.PrefetchHere(c2 + 2 * V.Count); Cache.PrefetchHere(c3 + 2 * V.Count); Cache.PrefetchHere(c4 + 2 * V.Count); Cache.PrefetchHere(c5 + 2 * V.Count); Cache.PrefetchHere(c6 + 2 * V.Count); Cache.PrefetchHere(c7 + 2 * V.Count);
        V zero = V.Broadcast(Const.Of<T>(0));
        V s00 = zero, s01 = zero, s02 = zero;
        V s10 = zero, s11 = zero, s12 = zero;
        V s20 = zero, s21 = zero, s22 = zero;
        V s30 = zero, s31 = zero, s32 = zero;
        V s40 = zero, s41 = zero, s42 = zero;
        V s50 = zero, s51 = zero, s52 = zero;
        V s60 = zero, s61 = zero, s62 = zero;
        V s70 = zero, s71 = zero, s72 = zero;
        while (length > 0)
        {
            nint some = Math.Min(length, Line);
            length -= some;
            T* next = a + ahead;
            Cache.PrefetchNear(next); Cache.PrefetchNear(next + r1); Cache.PrefetchNear(next + r2); Cache.PrefetchNear(next + r3); Cache.PrefetchNear(next + r4); Cache.PrefetchNear(next + r5); Cache.PrefetchNear(next + r6); Cache.PrefetchNear(next + r7);
            Cache.PrefetchNear(soon); Cache.PrefetchNear(soon + V.Count); Cache.PrefetchNear(soon + 2 * V.Count);
            soon += 3 * V.Count;
            for (; some > 0; some--)
            {
                V b0 = V.Load(b), b1 = V.Load(b + V.Count), b2 = V.Load(b + 2 * V.Count);
                V x = V.Broadcast(*a);
                s00 = V.Fma(x, b0, s00);
                s01 = V.Fma(x, b1, s01);
                s02 = V.Fma(x, b2, s02);
                x = V.Broadcast(a[r1]);
                s10 = V.Fma(x, b0, s10);
                s11 = V.Fma(x, b1, s11);
                s12 = V.Fma(x, b2, s12);
                x = V.Broadcast(a[r2]);
                s20 = V.Fma(x, b0, s20);
                s21 = V.Fma(x, b1, s21);
                s22 = V.Fma(x, b2, s22);
                x = V.Broadcast(a[r3]);
                s30 = V.Fma(x, b0, s30);
                s31 = V.Fma(x, b1, s31);
                s32 = V.Fma(x, b2, s32);
                x = V.Broadcast(a[r4]);
                s40 = V.Fma(x, b0, s40);
                s41 = V.Fma(x, b1, s41);
                s42 = V.Fma(x, b2, s42);
                x = V.Broadcast(a[r5]);
                s50 = V.Fma(x, b0, s50);
                s51 = V.Fma(x, b1, s51);
                s52 = V.Fma(x, b2, s52);
                x = V.Broadcast(a[r6]);
                s60 = V.Fma(x, b0, s60);
                s61 = V.Fma(x, b1, s61);
                s62 = V.Fma(x, b2, s62);
                x = V.Broadcast(a[r7]);
                s70 = V.Fma(x, b0, s70);
                s71 = V.Fma(x, b1, s71);
                s72 = V.Fma(x, b2, s72);
                a += step;
                b += 3 * V.Count;
            }
        }
        if (add)
        {
            s00 += V.Load(c0);
            s01 += V.Load(c0 + V.Count);
            s02 += V.Load(c0 + 2 * V.Count);
            s10 += V.Load(c1);
            s11 += V.Load(c1 + V.Count);
            s12 += V.Load(c1 + 2 * V.Count);
            s20 += V.Load(c2);
            s21 += V.Load(c2 + V.Count);
            s22 += V.Load(c2 + 2 * V.Count);
            s30 += V.Load(c3);
            s31 += V.Load(c3 + V.Count);
            s32 += V.Load(c3 + 2 * V.Count);
            s40 += V.Load(c4);
            s41 += V.Load(c4 + V.Count);
            s42 += V.Load(c4 + 2 * V.Count);
            s50 += V.Load(c5);
            s51 += V.Load(c5 + V.Count);
            s52 += V.Load(c5 + 2 * V.Count);
            s60 += V.Load(c6);
            s61 += V.Load(c6 + V.Count);
            s62 += V.Load(c6 + 2 * V.Count);
            s70 += V.Load(c7);
            s71 += V.Load(c7 + V.Count);
            s72 += V.Load(c7 + 2 * V.Count);
        }
        V.Store(s00, c0);
        V.Store(s01, c0 + V.Count);
        V.Store(s02, c0 + 2 * V.Count);
        V.Store(s10, c1);
        V.Store(s11, c1 + V.Count);
        V.Store(s12, c1 + 2 * V.Count);
        V.Store(s20, c2);
        V.Store(s21, c2 + V.Count);
        V.Store(s22, c2 + 2 * V.Count);
        V.Store(s30, c3);
        V.Store(s31, c3 + V.Count);
        V.Store(s32, c3 + 2 * V.Count);
        V.Store(s40, c4);
        V.Store(s41, c4 + V.Count);
        V.Store(s42, c4 + 2 * V.Count);
        V.Store(s50, c5);
        V.Store(s51, c5 + V.Count);
        V.Store(s52, c5 + 2 * V.Count);
        V.Store(s60, c6);
        V.Store(s61, c6 + V.Count);
        V.Store(s62, c6 + 2 * V.Count);
        V.Store(s70, c7);
        V.Store(s71, c7 + V.Count);
        V.Store(s72, c7 + 2 * V.Count);
    }

    /// <summary>8 rows of the first of a panel's 3 vectors: what is left of as many columns as a power of two.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static void Tile8x1(T* a, nint row, nint step, nint rows, nint ahead, T* soon, T* b, nint length, T** c, bool add)
    {
        nint r1 = Math.Min(1, rows - 1) * row, r2 = Math.Min(2, rows - 1) * row, r3 = Math.Min(3, rows - 1) * row, r4 = Math.Min(4, rows - 1) * row, r5 = Math.Min(5, rows - 1) * row, r6 = Math.Min(6, rows - 1) * row, r7 = Math.Min(7, rows - 1) * row;
        V zero = V.Broadcast(Const.Of<T>(0)), s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero;
        while (length > 0)
        {
            nint some = Math.Min(length, Line);
            length -= some;
            T* next = a + ahead;
            Cache.PrefetchNear(next); Cache.PrefetchNear(next + r1); Cache.PrefetchNear(next + r2); Cache.PrefetchNear(next + r3); Cache.PrefetchNear(next + r4); Cache.PrefetchNear(next + r5); Cache.PrefetchNear(next + r6); Cache.PrefetchNear(next + r7);
            Cache.PrefetchNear(soon); Cache.PrefetchNear(soon + V.Count); Cache.PrefetchNear(soon + 2 * V.Count);
            soon += 3 * V.Count;
            for (; some > 0; some--)
            {
                V x = V.Load(b);
                s0 = V.Fma(V.Broadcast(*a), x, s0);
                s1 = V.Fma(V.Broadcast(a[r1]), x, s1);
                s2 = V.Fma(V.Broadcast(a[r2]), x, s2);
                s3 = V.Fma(V.Broadcast(a[r3]), x, s3);
                s4 = V.Fma(V.Broadcast(a[r4]), x, s4);
                s5 = V.Fma(V.Broadcast(a[r5]), x, s5);
                s6 = V.Fma(V.Broadcast(a[r6]), x, s6);
                s7 = V.Fma(V.Broadcast(a[r7]), x, s7);
                a += step;
                b += 3 * V.Count;
            }
        }
        if (add)
        {
            s0 += V.Load(c[0]);
            s1 += V.Load(c[1]);
            s2 += V.Load(c[2]);
            s3 += V.Load(c[3]);
            s4 += V.Load(c[4]);
            s5 += V.Load(c[5]);
            s6 += V.Load(c[6]);
            s7 += V.Load(c[7]);
        }
        V.Store(s0, c[0]);
        V.Store(s1, c[1]);
        V.Store(s2, c[2]);
        V.Store(s3, c[3]);
        V.Store(s4, c[4]);
        V.Store(s5, c[5]);
        V.Store(s6, c[6]);
        V.Store(s7, c[7]);
    }

    /// <summary>6 rows of 2 vectors.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    internal static void Tile6x2(T* a, nint row, nint step, nint rows, nint ahead, T* soon, T* b, nint length, T** c, bool add)
    {
        nint r1 = Math.Min(1, rows - 1) * row, r2 = Math.Min(2, rows - 1) * row, r3 = Math.Min(3, rows - 1) * row, r4 = Math.Min(4, rows - 1) * row, r5 = Math.Min(5, rows - 1) * row;
        T* c0 = c[0];
        T* c1 = c[1];
        T* c2 = c[2];
        T* c3 = c[3];
        T* c4 = c[4];
        T* c5 = c[5];
        Cache.PrefetchHere(c0); Cache.PrefetchHere(c1); Cache.PrefetchHere(c2); Cache.PrefetchHere(c3); Cache.PrefetchHere(c4); Cache.PrefetchHere(c5);
        Cache.PrefetchHere(c0 + V.Count); Cache.PrefetchHere(c1 + V.Count); Cache.PrefetchHere(c2 + V.Count); Cache.PrefetchHere(c3 + V.Count); Cache.PrefetchHere(c4 + V.Count); Cache.PrefetchHere(c5 + V.Count);
        V zero = V.Broadcast(Const.Of<T>(0));
        V s00 = zero, s01 = zero;
        V s10 = zero, s11 = zero;
        V s20 = zero, s21 = zero;
        V s30 = zero, s31 = zero;
        V s40 = zero, s41 = zero;
        V s50 = zero, s51 = zero;
        while (length > 0)
        {
            nint some = Math.Min(length, Line);
            length -= some;
            T* next = a + ahead;
            Cache.PrefetchNear(next); Cache.PrefetchNear(next + r1); Cache.PrefetchNear(next + r2); Cache.PrefetchNear(next + r3); Cache.PrefetchNear(next + r4); Cache.PrefetchNear(next + r5);
            Cache.PrefetchNear(soon); Cache.PrefetchNear(soon + V.Count);
            soon += 2 * V.Count;
            for (; some > 0; some--)
            {
                V b0 = V.Load(b), b1 = V.Load(b + V.Count);
                V x = V.Broadcast(*a);
                s00 = V.Fma(x, b0, s00);
                s01 = V.Fma(x, b1, s01);
                x = V.Broadcast(a[r1]);
                s10 = V.Fma(x, b0, s10);
                s11 = V.Fma(x, b1, s11);
                x = V.Broadcast(a[r2]);
                s20 = V.Fma(x, b0, s20);
                s21 = V.Fma(x, b1, s21);
                x = V.Broadcast(a[r3]);
                s30 = V.Fma(x, b0, s30);
                s31 = V.Fma(x, b1, s31);
                x = V.Broadcast(a[r4]);
                s40 = V.Fma(x, b0, s40);
                s41 = V.Fma(x, b1, s41);
                x = V.Broadcast(a[r5]);
                s50 = V.Fma(x, b0, s50);
                s51 = V.Fma(x, b1, s51);
                a += step;
                b += 2 * V.Count;
            }
        }
        if (add)
        {
            s00 += V.Load(c0);
            s01 += V.Load(c0 + V.Count);
            s10 += V.Load(c1);
            s11 += V.Load(c1 + V.Count);
            s20 += V.Load(c2);
            s21 += V.Load(c2 + V.Count);
            s30 += V.Load(c3);
            s31 += V.Load(c3 + V.Count);
            s40 += V.Load(c4);
            s41 += V.Load(c4 + V.Count);
            s50 += V.Load(c5);
            s51 += V.Load(c5 + V.Count);
        }
        V.Store(s00, c0);
        V.Store(s01, c0 + V.Count);
        V.Store(s10, c1);
        V.Store(s11, c1 + V.Count);
        V.Store(s20, c2);
        V.Store(s21, c2 + V.Count);
        V.Store(s30, c3);
        V.Store(s31, c3 + V.Count);
        V.Store(s40, c4);
        V.Store(s41, c4 + V.Count);
        V.Store(s50, c5);
        V.Store(s51, c5 + V.Count);
    }
}
