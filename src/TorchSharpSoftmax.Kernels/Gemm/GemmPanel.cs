using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Panels of a matrix: strips of as many columns as a tile has, laid row after row, columns beyond the matrix being 0.</summary>
internal static unsafe class GemmPanel<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged
    where M : struct, IStored<S, T>
{
    private const nint RowsAhead = 8, VectorsAhead = 4;

    /// <summary>Elements from one panel of so many rows to the next.</summary>
    internal static nint Size(nint rows) => rows * GemmTile<V, T>.Columns;

    /// <summary>How many panels cover so many columns.</summary>
    internal static nint Count(nint columns) => (columns + GemmTile<V, T>.Columns - 1) / GemmTile<V, T>.Columns;

    /// <summary>Packs rows x columns of x, whose rows are index[0], index[1], ... or, without an index, 0, 1, ..., stride elements apart.</summary>
    internal static void Pack(S* x, nint stride, long* index, nint rows, nint columns, T* panels)
    {
        nint width = GemmTile<V, T>.Columns, size = Size(rows);
        for (nint row = 0; row < rows; row++)
        {
            S* from = x + (index == null ? row : (nint)index[row]) * stride;
            T* to = panels + row * width;
            for (nint column = 0; column < columns; column += width, to += size) PackRow(from + column, stride, Math.Min(width, columns - column), to);
        }
    }

    /// <summary>Packs the transpose: x is columns x rows, its rows again by index.</summary>
    internal static void PackTransposed(S* x, nint stride, long* index, nint rows, nint columns, T* panels)
    {
        nint width = GemmTile<V, T>.Columns, size = Size(rows);
        for (nint column = 0; column < columns; column += width, panels += size)
        {
            nint count = Math.Min(width, columns - column);
            if (count < width) new Span<T>(panels, (int)size).Clear();
            for (nint row = 0; row < rows; row += V.Count) // a vector of each: its rows of the panel stay in the nearest cache
            {
                nint some = Math.Min(V.Count, rows - row), i = 0;
                S* from = x + row;
                T* to = panels + row * width;
                for (; i + 2 <= count; i += 2) PackColumns(from + At(index, column + i) * stride, from + At(index, column + i + 1) * stride, some, to + i);
                if (i < count) PackColumn(from + At(index, column + i) * stride, some, to + i);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static nint At(long* index, nint i) => index == null ? i : (nint)index[i];

    /// <summary>One panel's part of a row; the row that comes some rows later is asked for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackRow(S* from, nint stride, nint count, T* to)
    {
        nint width = GemmTile<V, T>.Columns;
        for (nint i = 0; i < width * sizeof(S); i += 64) Cache.PrefetchHere((byte*)(from + RowsAhead * stride) + i);
        for (nint i = 0; i < width; i += V.Count)
        {
            nint left = count - i;
            V v = left >= V.Count ? M.Load<V>(from + i) : M.LoadPart<V>(from + i, Math.Max(left, 0), Const.Of<T>(0));
            V.Store(v, to + i);
        }
    }

    /// <summary>A part of two rows becomes a part of two columns; no prefetcher follows so many rows, so that what comes later of each is asked for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackColumns(S* a, S* b, nint count, T* to)
    {
        Cache.PrefetchHere(a + VectorsAhead * V.Count);
        Cache.PrefetchHere(b + VectorsAhead * V.Count);
        if (typeof(S) == typeof(T))
        {
            RowPair<T>.Spread((T*)a, (T*)b, count, to, GemmTile<V, T>.Columns);
            return;
        }
        V wideA = Widened(a, count), wideB = Widened(b, count);
        RowPair<T>.Spread((T*)&wideA, (T*)&wideB, count, to, GemmTile<V, T>.Columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PackColumn(S* from, nint count, T* to)
    {
        V wide = Widened(from, count);
        for (nint i = 0; i < count; i++, to += GemmTile<V, T>.Columns) *to = ((T*)&wide)[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Widened(S* from, nint count) => count == V.Count ? M.Load<V>(from) : M.LoadPart<V>(from, count, Const.Of<T>(0));
}
