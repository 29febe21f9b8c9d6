using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>dx = y * (dy - sum(dy * y)), or for log-softmax dx = dy - e^y * sum(dy), along a dimension that is not the last.</summary>
internal readonly unsafe struct SoftmaxColumnsBackward(void* y, void* dy, void* dx, nint length, nint inner, bool log) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        var state = new SoftmaxColumnState<T>(Scratch.State<T>());
        for (nint unit = first; unit < end; unit++)
        {
            var tile = ColumnTile.Of(unit, length, inner);
            S* p = (S*)y + tile.Start, q = (S*)dy + tile.Start, to = (S*)dx + tile.Start;
            if (log) SoftmaxColumnPasses<V, S, T, M>.SumOfGradient<Yes>(p, q, tile, state);
            else SoftmaxColumnPasses<V, S, T, M>.SumOfGradient<No>(p, q, tile, state);
            ColumnLanes<V, T>.Finish(tile, state.Sum, state.Lost, 1);
            if (log) SoftmaxColumnPasses<V, S, T, M>.WriteGradient<OfLogSoftmax<V, T>>(p, q, to, tile, state);
            else SoftmaxColumnPasses<V, S, T, M>.WriteGradient<OfSoftmax<V, T>>(p, q, to, tile, state);
        }
    }
}

/// <summary>dx = e^(x - lse) * dy along a dimension that is not the last, lse and dy one number per column.</summary>
internal readonly unsafe struct LogSumExpColumnsBackward(void* x, void* lse, void* dy, void* dx, nint length, nint inner) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        var state = new SoftmaxColumnState<T>(Scratch.State<T>());
        nint tiles = ColumnTile.TilesOf(length, inner);
        for (nint unit = first; unit < end; unit++)
        {
            var tile = ColumnTile.Of(unit, length, inner);
            nint column = unit / tiles * inner + tile.Start % inner;
            for (nint c = 0; c < tile.Columns; c++)
            {
                state.Max[c] = ((T*)lse)[column + c];
                state.Sum[c] = Lane1<T>.Max(M.Load<Lane1<T>>((S*)dy + column + c));
            }
            ColumnLanes<V, T>.Spread(tile, state.Max);
            ColumnLanes<V, T>.Spread(tile, state.Sum);
            SoftmaxColumnPasses<V, S, T, M>.WriteOfLogSumExp((S*)x + tile.Start, (S*)dx + tile.Start, tile, state);
        }
    }
}
