using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>Softmax, log-softmax and log-sum-exp along a dimension that is not the last, without a transposed copy: lanes walk over the columns.</summary>
internal readonly unsafe struct SoftmaxColumns(void* x, void* y, nint length, nint inner, SoftmaxOutput output, SoftmaxAlgorithm algorithm, bool stream)
    : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        for (nint unit = first; unit < end; unit++)
        {
            var tile = ColumnTile.Of(unit, length, inner);
            S* from = (S*)x + tile.Start;
            if (output == SoftmaxOutput.Softmax) Softmax<V, S, T, M>(from, (S*)y + tile.Start, tile);
            else if (output == SoftmaxOutput.LogSoftmax) Log<V, S, T, M>(from, (S*)y + tile.Start, tile);
            else LogSumExp<V, S, T, M>(from, (T*)y + (unit / ColumnTile.TilesOf(length, inner) * inner + tile.Start % inner), tile);
        }
    }

    private void Softmax<V, S, T, M>(S* from, S* to, in ColumnTile tile)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        var state = new SoftmaxColumnState<T>(Scratch.State<T>());
        nint padded = (tile.Width + ColumnTile.Unit - 1) / ColumnTile.Unit * ColumnTile.Unit;
        bool inScratch = (stream || typeof(S) != typeof(T)) && padded * tile.Rows <= Scratch.Bytes / sizeof(T);
        if (algorithm == SoftmaxAlgorithm.TwoPass || (typeof(S) != typeof(T) && !inScratch))
        {
            SoftmaxColumnSums<V, S, T, M>.Sum(from, tile, state, algorithm);
            SoftmaxColumnSums<V, S, T, M>.Factors(tile, state);
            SoftmaxColumnPasses<V, S, T, M>.Normalize(from, to, tile, state);
            return;
        }
        // The exponentials are kept in the output, or, where that would round them or is written past the caches, in the scratch buffer.
        T* kept = inScratch ? Scratch.Of<T>() : (T*)to;
        nint keptStride = inScratch ? padded : tile.Stride;
        SoftmaxColumnSums<V, S, T, M>.KeptSum(from, kept, keptStride, tile, state);
        SoftmaxColumnSums<V, S, T, M>.Factors(tile, state);
        bool aligned = (((nint)to | (tile.Stride * sizeof(S))) & (V.Count * sizeof(S) - 1)) == 0;
        if (stream && inScratch && aligned) SoftmaxColumnPasses<V, S, T, M>.Rescale<Yes>(kept, keptStride, to, tile, state);
        else SoftmaxColumnPasses<V, S, T, M>.Rescale<No>(kept, keptStride, to, tile, state);
    }

    private void Log<V, S, T, M>(S* from, S* to, in ColumnTile tile)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        var state = new SoftmaxColumnState<T>(Scratch.State<T>());
        SoftmaxColumnSums<V, S, T, M>.Sum(from, tile, state, algorithm);
        SoftmaxColumnSums<V, S, T, M>.Logarithms(tile, state);
        SoftmaxColumnPasses<V, S, T, M>.Subtract(from, to, tile, state);
    }

    private void LogSumExp<V, S, T, M>(S* from, T* lse, in ColumnTile tile)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        var state = new SoftmaxColumnState<T>(Scratch.State<T>());
        SoftmaxColumnSums<V, S, T, M>.Sum(from, tile, state, algorithm);
        SoftmaxColumnSums<V, S, T, M>.Logarithms(tile, state);
        for (nint c = 0; c < tile.Columns; c++)
        {
            T max = state.Max[c], log = max + state.Last[c];
            if (!T.IsFinite(max) || !T.IsFinite(log)) log = SoftmaxColumnSums<V, S, T, M>.HasNaN(from + c, tile) ? T.NaN : max;
            lse[c] = log;
        }
    }
}
