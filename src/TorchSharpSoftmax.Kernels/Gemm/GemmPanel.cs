using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Panels of a matrix: strips of as many columns as a tile has, laid row after row, columns beyond the matrix being 0.</summary>
internal static unsafe class GemmPanel<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged
    where M : struct, IStored<S, T>
{
    private const nint RowsAhead = 8;

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
                for (nint i = 0; i < count; i++)
                    Spread(x + (index == null ? column + i : (nint)index[column + i]) * stride + row, Math.Min(V.Count, rows - row), panels + row * width + i, width);
            }
        }
    }

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

    /// <summary>A part of a row becomes a part of a column.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Spread(S* from, nint count, T* to, nint step)
    {
        T* lanes = stackalloc T[16];
        T* at = (T*)from;
        if (typeof(S) != typeof(T))
        {
            V.Store(count == V.Count ? M.Load<V>(from) : M.LoadPart<V>(from, count, Const.Of<T>(0)), lanes);
            at = lanes;
        }
        if (count == 16)
        {
            for (nint j = 0; j < 16; j += 4)
            {
                T a = at[j], b = at[j + 1], c = at[j + 2], d = at[j + 3];
                *to = a;
                to[step] = b;
                to[2 * step] = c;
                to[3 * step] = d;
                to += 4 * step;
            }
            return;
        }
        for (nint j = 0; j < count; j++, to += step) *to = at[j];
    }
}
