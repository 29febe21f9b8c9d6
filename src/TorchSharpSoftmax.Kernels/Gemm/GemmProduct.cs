using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>A whole product: blocks of b are packed, then slices of a's rows are dealt to threads, each of which owns its rows of c.</summary>
internal readonly unsafe struct GemmProduct(
    void* a, nint aRow, nint aStep, void* b, bool transposeB, void* c, nint rows, nint columns, nint length, bool add, int threads) : IRowKernel
{
    /// <summary>Bytes of one panel at most, panels of b that are packed at a time, and rows of a in a slice.</summary>
    private const nint PanelBytes = 160 << 10, Panels = 8, SliceRows = 64;

    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        nint tile = GemmTile<V, T>.Columns, pieces = (length * tile * sizeof(T) - 1) / PanelBytes + 1, depth = (length - 1) / pieces + 1, width = Math.Min(Panels * tile, columns);
        nint block = depth * GemmPanel<V, S, T, M>.Count(width) * tile, room = typeof(S) == typeof(T) ? 0 : SliceRows * depth, own = room + GemmTile<V, T>.Rows * tile;
        nint slices = (rows - 1) / SliceRows + 1;
        int sharing = (int)Math.Min(threads, slices);
        Span<nint> parts = [block * sizeof(T), own * sizeof(T) * sharing];
        void* memory = Block.Take(parts); // once, for all threads
        T* packed = (T*)parts[0];
        var scratch = new ScratchPieces((byte*)parts[1], own * sizeof(T), sharing);
        try
        {
            for (nint column = 0; column < columns; column += width)
            {
                nint some = Math.Min(width, columns - column);
                for (nint k = 0; k < length; k += depth)
                {
                    nint deep = Math.Min(depth, length - k);
                    Workers.Run<Packing<V, S, T, M>>(new(this, column, some, k, deep, packed), GemmPanel<V, S, T, M>.Count(some), threads);
                    Workers.Run<Slices<V, S, T, M>>(new(this, column, some, k, deep, packed, scratch, room), slices, sharing);
                }
            }
        }
        finally
        {
            Block.Give(memory);
        }
    }

    private readonly struct Packing<V, S, T, M>(GemmProduct product, nint column, nint columns, nint k, nint depth, T* packed) : IWork
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        public void Do(nint first, nint end)
        {
            for (nint panel = first; panel < end; panel++)
            {
                nint at = panel * GemmTile<V, T>.Columns, some = Math.Min(GemmTile<V, T>.Columns, columns - at);
                T* to = packed + panel * GemmPanel<V, S, T, M>.Size(depth);
                S* b = (S*)product.B;
                if (product.TransposeB) GemmPanel<V, S, T, M>.PackTransposed(b + (column + at) * product.Length + k, product.Length, null, depth, some, to);
                else GemmPanel<V, S, T, M>.Pack(b + k * product.Columns + column + at, product.Columns, null, depth, some, to);
            }
        }
    }

    private readonly struct Slices<V, S, T, M>(GemmProduct product, nint column, nint columns, nint k, nint depth, T* packed, ScratchPieces pieces, nint room) : IWork
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        public void Do(nint first, nint end)
        {
            T* scratch = (T*)pieces.Take(out int piece);
            for (nint slice = first; slice < end; slice++) Multiply(slice * SliceRows, Math.Min(SliceRows, product.RowCount - slice * SliceRows), scratch, scratch + room);
            pieces.Give(piece);
        }

        private void Multiply(nint row, nint rows, T* scratch, T* scrap)
        {
            nint tile = GemmTile<V, T>.Rows, width = GemmTile<V, T>.Columns;
            T* a = AsComputed(row, rows, scratch, out nint aRow, out nint aStep);
            T** to = stackalloc T*[(int)tile];
            for (nint at = 0; at < columns; at += width)
            {
                T* panel = packed + at * depth, soon = at + width < columns ? panel + depth * width : packed;
                for (nint i = 0; i < rows; i += tile)
                {
                    nint some = Math.Min(tile, rows - i);
                    for (nint j = 0; j < some; j++) to[j] = (T*)product.C + (row + i + j) * product.Columns + column + at;
                    GemmTile<V, T>.RunPart(
                        a + i * aRow, aRow, aStep, some, Math.Min(width, columns - at), at == 0 ? tile * aRow : 0, soon + i / tile * (depth / GemmTile<V, T>.Line) * width, panel, depth, to,
                        scrap, product.Adds || k > 0);
                }
            }
        }

        /// <summary>a where it lies, or widened.</summary>
        private T* AsComputed(nint row, nint rows, T* scratch, out nint aRow, out nint aStep)
        {
            S* from = (S*)product.A + row * product.ARow + k * product.AStep;
            (aRow, aStep) = (product.ARow, product.AStep);
            if (typeof(S) == typeof(T)) return (T*)from;
            for (nint i = 0; i < rows; i++)
            {
                for (nint j = 0; j < depth; j++) scratch[i * depth + j] = Lane1<T>.Max(M.Load<Lane1<T>>(from + i * aRow + j * aStep));
            }
            (aRow, aStep) = (depth, 1);
            return scratch;
        }
    }

    private void* A => a;

    private nint ARow => aRow;

    private nint AStep => aStep;

    private void* B => b;

    private bool TransposeB => transposeB;

    private void* C => c;

    private nint RowCount => rows;

    private nint Columns => columns;

    private nint Length => length;

    private bool Adds => add;
}
