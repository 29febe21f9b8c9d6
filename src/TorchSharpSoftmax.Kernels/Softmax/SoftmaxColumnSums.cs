using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>What lies between the walks over a strip of columns: frames, phases merged, factors and logarithms.</summary>
internal static unsafe class SoftmaxColumnSums<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    /// <summary>Max, Shift, Exponent and Sum of every column.</summary>
    internal static void Sum(S* x, in ColumnTile tile, SoftmaxColumnState<T> state, SoftmaxAlgorithm algorithm)
    {
        if (algorithm == SoftmaxAlgorithm.TwoPass)
        {
            SoftmaxColumnPasses<V, S, T, M>.RunningSum(x, tile, state);
            MergeMax(tile, state.Max);
            var exp = new ExtExp<V, T>();
            for (nint j = 0; j < tile.Width; j += V.Count)
            {
                V all = exp.Exponent(V.Load(state.Max + j));
                V down = V.Load(state.Exponent + j) - all;
                V.Store(V.Scale(V.Load(state.Sum + j), down), state.Sum + j);
                V.Store(V.Scale(V.Load(state.Lost + j), down), state.Lost + j);
                V.Store(all, state.Exponent + j);
                V.Store(V.Broadcast(T.Zero), state.Shift + j);
            }
            ColumnLanes<V, T>.Finish(tile, state.Sum, state.Lost, 1);
            if (AllExact(tile, state)) return;
        }
        SumByMax<No>(x, null, 0, tile, state);
    }

    /// <summary>The same by Three-Pass's first two passes, the exponentials kept.</summary>
    internal static void KeptSum(S* x, T* kept, nint keptStride, in ColumnTile tile, SoftmaxColumnState<T> state) =>
        SumByMax<Yes>(x, kept, keptStride, tile, state);

    /// <summary>Last = what a kept exponential is multiplied with to become a probability.</summary>
    internal static void Factors(in ColumnTile tile, SoftmaxColumnState<T> state)
    {
        V one = V.Broadcast(Const.Of<T>(Const.TwoToMinus64));
        for (nint j = 0; j < tile.Width; j += V.Count) V.Store(one / V.Load(state.Sum + j), state.Last + j);
    }

    /// <summary>Last = log(sum of e^(x - max)).</summary>
    internal static void Logarithms(in ColumnTile tile, SoftmaxColumnState<T> state)
    {
        var exp = new ExtExp<V, T>();
        var logarithm = new Logarithm<V, T>();
        V zero = V.Broadcast(T.Zero), one = V.Broadcast(T.One), limit = V.Broadcast(Const.Of<T>(ExtExp.Limit));
        for (nint j = 0; j < tile.Width; j += V.Count)
        {
            V max = V.Load(state.Max + j);
            V ofMax = V.WhereLess(limit, V.AtLeast(max, zero - max), one, exp.Fraction(max, V.Load(state.Exponent + j)));
            V.Store(logarithm.Log(V.Load(state.Sum + j) / ofMax), state.Last + j);
        }
    }

    /// <summary>Whether a column holds a NaN; only columns with a non-finite sum ask.</summary>
    internal static bool HasNaN(S* column, in ColumnTile tile)
    {
        for (nint row = 0; row < tile.Rows; row++, column += tile.Stride)
        {
            for (nint phase = 0; phase * tile.Columns < tile.WidthOf(row); phase++)
            {
                if (T.IsNaN(Lane1<T>.Max(M.Load<Lane1<T>>(column + phase * tile.Columns)))) return true;
            }
        }
        return false;
    }

    private static void SumByMax<K>(S* x, T* kept, nint keptStride, in ColumnTile tile, SoftmaxColumnState<T> state) where K : struct, IChoice
    {
        SoftmaxColumnPasses<V, S, T, M>.Max(x, tile, state);
        MergeMax(tile, state.Max);
        var exp = new ExtExp<V, T>();
        V zero = V.Broadcast(T.Zero), limit = V.Broadcast(Const.Of<T>(ExtExp.Limit));
        for (nint j = 0; j < tile.Width; j += V.Count)
        {
            V max = V.Load(state.Max + j), size = V.AtLeast(max, zero - max);
            V.Store(V.WhereLess(limit, size, max, zero), state.Shift + j);
            V.Store(V.WhereLess(limit, size, zero, exp.Exponent(max)), state.Exponent + j);
        }
        SoftmaxColumnPasses<V, S, T, M>.SumIn<K>(x, kept, keptStride, tile, state);
        ColumnLanes<V, T>.Finish(tile, state.Sum, state.Lost, Const.TwoToMinus64);
    }

    private static bool AllExact(in ColumnTile tile, SoftmaxColumnState<T> state)
    {
        for (nint c = 0; c < tile.Columns; c++)
        {
            if (!(T.Abs(state.Max[c]) <= Const.Of<T>(ExtExp.Limit) && T.IsFinite(state.Sum[c]))) return false;
        }
        return true;
    }

    private static void MergeMax(in ColumnTile tile, T* max)
    {
        if (tile.Phases == 1) return;
        for (nint i = tile.Columns; i < tile.Width; i++) max[i % tile.Columns] = T.MaxNumber(max[i % tile.Columns], max[i]);
        ColumnLanes<V, T>.Spread(tile, max);
    }
}
