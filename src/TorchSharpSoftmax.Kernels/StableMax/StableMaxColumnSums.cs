using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>What lies between the walks over a strip of columns: phases merged, weights, logarithms, and sums taken again where rows hold huge numbers.</summary>
internal static unsafe class StableMaxColumnSums<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    /// <summary>Scale and Factor of every column; for a logarithm Factor is that of the sum.</summary>
    internal static void Forward(S* x, in ColumnTile tile, StableMaxColumnState<T> state, bool log)
    {
        ColumnLanes<V, T>.Fill(state.Scale, tile.Width, 1);
        StableMaxColumnPasses<V, S, T, M>.Sum(x, tile, state);
        ColumnLanes<V, T>.Finish(tile, state.Sum, state.SumLost, 1);
        if (!AreOrdinary(tile, state)) SumAgain(x, tile, state, log);
        else if (log) Logarithms(tile, state);
        else Inverses(tile, state);
    }

    /// <summary>Scale, Factor and Dot of every column.</summary>
    internal static void Backward<L>(S* x, S* dy, in ColumnTile tile, StableMaxColumnState<T> state) where L : struct, IChoice
    {
        ColumnLanes<V, T>.Fill(state.Scale, tile.Width, 1);
        ColumnLanes<V, T>.Fill(state.Factor, tile.Width, 1);
        StableMaxColumnPasses<V, S, T, M>.Sums<L>(x, dy, tile, state);
        ColumnLanes<V, T>.Finish(tile, state.Sum, state.SumLost, 1);
        ColumnLanes<V, T>.Finish(tile, state.Dot, state.DotLost, 1);
        if (AreOrdinary(tile, state) && (L.Yes || AreFinite(tile, state.Dot)))
        {
            for (nint j = 0; !L.Yes && j < tile.Width; j += V.Count) V.Store(V.Load(state.Dot + j) / V.Load(state.Sum + j), state.Dot + j);
            Inverses(tile, state);
            return;
        }
        SumAgain(x, tile, state, log: false);
        if (L.Yes) return;
        StableMaxColumnPasses<V, S, T, M>.Sums<L>(x, dy, tile, state);
        ColumnLanes<V, T>.Finish(tile, state.Dot, state.DotLost, 1);
    }

    /// <summary>Rare: a scale for each column that needs one, the sums by it, and what comes of them one by one.</summary>
    private static void SumAgain(S* x, in ColumnTile tile, StableMaxColumnState<T> state, bool log)
    {
        for (nint c = 0; c < tile.Columns; c++)
        {
            var sum = new StableSum(Const.ToDouble(state.Sum[c]), 1);
            state.Scale[c] = Const.Of<T>(sum.IsRight ? 1 : sum.NextScale);
        }
        ColumnLanes<V, T>.Spread(tile, state.Scale);
        StableMaxColumnPasses<V, S, T, M>.Sum(x, tile, state);
        ColumnLanes<V, T>.Finish(tile, state.Sum, state.SumLost, 1);
        for (nint c = 0; c < tile.Columns; c++)
        {
            var sum = new StableSum(Const.ToDouble(state.Sum[c]), Const.ToDouble(state.Scale[c]));
            state.Scale[c] = Const.Of<T>(sum.Weights.Scale);
            state.Factor[c] = Const.Of<T>(log ? sum.Log : sum.Weights.Factor);
        }
        ColumnLanes<V, T>.Spread(tile, state.Scale);
        ColumnLanes<V, T>.Spread(tile, state.Factor);
    }

    private static void Inverses(in ColumnTile tile, StableMaxColumnState<T> state)
    {
        V one = V.Broadcast(T.One);
        for (nint j = 0; j < tile.Width; j += V.Count) V.Store(one / V.Load(state.Sum + j), state.Scale + j);
        ColumnLanes<V, T>.Fill(state.Factor, tile.Width, 1);
    }

    private static void Logarithms(in ColumnTile tile, StableMaxColumnState<T> state)
    {
        var logarithm = new Logarithm<V, T>();
        for (nint j = 0; j < tile.Width; j += V.Count) V.Store(logarithm.Log(V.Load(state.Sum + j)), state.Factor + j);
    }

    /// <summary>Whether 1 / sum is all that any column needs.</summary>
    private static bool AreOrdinary(in ColumnTile tile, StableMaxColumnState<T> state)
    {
        for (nint i = 0; i < tile.Columns; i++)
        {
            if (!(state.Sum[i] >= Const.Of<T>(StableSum.Least) && state.Sum[i] <= Const.Of<T>(StableSum.Most))) return false;
        }
        return true;
    }

    private static bool AreFinite(in ColumnTile tile, T* lanes)
    {
        for (nint i = 0; i < tile.Columns; i++)
        {
            if (!T.IsFinite(lanes[i])) return false;
        }
        return true;
    }
}
