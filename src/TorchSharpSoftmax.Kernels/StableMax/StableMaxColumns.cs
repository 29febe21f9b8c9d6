using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>StableMax, or its logarithm, along a dimension that is not the last, without a transposed copy: lanes walk over the columns.</summary>
internal readonly unsafe struct StableMaxColumns(void* x, void* y, nint length, nint inner, bool log) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        var state = new StableMaxColumnState<T>(Scratch.State<T>());
        for (nint unit = first; unit < end; unit++)
        {
            var tile = ColumnTile.Of(unit, length, inner);
            S* from = (S*)x + tile.Start, to = (S*)y + tile.Start;
            StableMaxColumnSums<V, S, T, M>.Forward(from, tile, state, log);
            if (log) StableMaxColumnPasses<V, S, T, M>.WriteLog(from, to, tile, state);
            else StableMaxColumnPasses<V, S, T, M>.Write(from, to, tile, state);
        }
    }
}

/// <summary>The gradient of <see cref="StableMaxColumns"/>, from x.</summary>
internal readonly unsafe struct StableMaxColumnsBackward(void* x, void* dy, void* dx, nint length, nint inner, bool log) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        var state = new StableMaxColumnState<T>(Scratch.State<T>());
        for (nint unit = first; unit < end; unit++)
        {
            var tile = ColumnTile.Of(unit, length, inner);
            S* p = (S*)x + tile.Start, q = (S*)dy + tile.Start, to = (S*)dx + tile.Start;
            if (log)
            {
                StableMaxColumnSums<V, S, T, M>.Backward<Yes>(p, q, tile, state);
                StableMaxColumnPasses<V, S, T, M>.WriteGradient<OfLogStableMax<V, T>>(p, q, to, tile, state);
            }
            else
            {
                StableMaxColumnSums<V, S, T, M>.Backward<No>(p, q, tile, state);
                StableMaxColumnPasses<V, S, T, M>.WriteGradient<OfStableMax<V, T>>(p, q, to, tile, state);
            }
        }
    }
}
