using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The walks over a strip of columns from which the softmax family is built where its dimension is not the last.</summary>
/// <remarks>The same arithmetic as <see cref="SoftmaxPasses{V, S, T, M}"/>, with a lane for each column; sums are folded every 16 rows.</remarks>
internal static unsafe class ColumnPasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;
    private const nint RowsPerFold = 16;

    private static V Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => V.Broadcast(Const.Of<T>(0));
    }

    private static V Floor
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => V.Broadcast(ExtExp.Floor<T>());
    }

    /// <summary>Sets so many lanes, in whole vectors.</summary>
    internal static void Fill(T* lanes, nint n, double value)
    {
        for (nint j = 0; j < n; j += V.Count) V.Store(V.Broadcast(Const.Of<T>(value)), lanes + j);
    }

    /// <summary>Max: the columns' maxima; NaN is lost.</summary>
    [MethodImpl(OnePass)]
    internal static void Max(S* x, in ColumnTile tile, ColumnState<T> state)
    {
        nint w = V.Count;
        Fill(state.Max, tile.Width, double.NegativeInfinity);
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                V.Store(V.AtLeast(V.Load(state.Max + j), Edge<V, S, T, M>.Load(x + j, n - j, double.NegativeInfinity)), state.Max + j);
            }
        }
    }

    /// <summary>Max, Exponent and Total + Lost: Two-Pass's first pass.</summary>
    [MethodImpl(OnePass)]
    internal static void RunningSum(S* x, in ColumnTile tile, ColumnState<T> state)
    {
        nint w = V.Count, width = tile.Width, rows = tile.Rows;
        V least = ExtExp.Exponent<V, T>(Floor);
        Fill(state.Max, width, Const.ToDouble(ExtExp.Floor<T>()));
        Fill(state.Sum, width, 0);
        Fill(state.Total, width, 0);
        Fill(state.Lost, width, 0);
        for (nint j = 0; j < width; j += w)
        {
            V.Store(least, state.Exponent + j);
            V.Store(least, state.Shift + j); // here: the exponent of Total
        }
        for (nint row = 0; row < rows; row++, x += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                V x0 = V.AtLeast(Edge<V, S, T, M>.Load(x + j, n - j, double.NegativeInfinity), Floor);
                V max = V.AtLeast(x0, V.Load(state.Max + j)), grown = ExtExp.Exponent<V, T>(max);
                V sum = V.Scale(V.Load(state.Sum + j), V.Load(state.Exponent + j) - grown) + ExtExp.Term<V, T>(x0, grown);
                V.Store(max, state.Max + j);
                V.Store(grown, state.Exponent + j);
                V.Store(sum, state.Sum + j);
            }
            if (row % RowsPerFold != RowsPerFold - 1 && row != rows - 1) continue;
            for (nint j = 0; j < width; j += w)
            {
                V grown = V.Load(state.Exponent + j), down = V.Load(state.Shift + j) - grown;
                V total = V.Scale(V.Load(state.Total + j), down), lost = V.Scale(V.Load(state.Lost + j), down);
                Folded<V, T>.Add(ref total, ref lost, V.Load(state.Sum + j));
                V.Store(total, state.Total + j);
                V.Store(lost, state.Lost + j);
                V.Store(grown, state.Shift + j);
                V.Store(Zero, state.Sum + j);
            }
        }
    }

    /// <summary>Total + Lost in the frame of Shift and Exponent, each exponential kept times 2^<see cref="Frame.Bias"/> if asked.</summary>
    [MethodImpl(OnePass)]
    internal static void SumIn<K>(S* x, T* kept, nint keptStride, in ColumnTile tile, ColumnState<T> state) where K : struct, IChoice
    {
        nint w = V.Count, width = tile.Width, rows = tile.Rows;
        Fill(state.Sum, width, 0);
        Fill(state.Total, width, 0);
        Fill(state.Lost, width, 0);
        for (nint row = 0; row < rows; row++, x += tile.Stride, kept += keptStride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                V x0 = V.AtLeast(Edge<V, S, T, M>.Load(x + j, n - j, double.NegativeInfinity) - V.Load(state.Shift + j), Floor);
                V y = ExtExp.Term<V, T>(x0, V.Load(state.Exponent + j) - V.Broadcast(Const.Of<T>(Frame.Bias)));
                if (K.Yes) Edge<V, T, T, AsItself<T>>.Store(y, kept + j, n - j);
                V.Store(V.Load(state.Sum + j) + y, state.Sum + j);
            }
            if (row % RowsPerFold != RowsPerFold - 1 && row != rows - 1) continue;
            for (nint j = 0; j < width; j += w) FoldSum(state, j);
        }
    }

    /// <summary>y = e^(x - Shift) * 2^-Exponent * Last.</summary>
    [MethodImpl(OnePass)]
    internal static void Normalize(S* x, S* y, in ColumnTile tile, ColumnState<T> state)
    {
        nint w = V.Count;
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride, y += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                V x0 = V.AtLeast(Edge<V, S, T, M>.Load(x + j, n - j, 0) - V.Load(state.Shift + j), Floor), e = ExtExp.Exponent<V, T>(x0);
                V fraction = ExtExp.Fraction<V, T>(x0, e) * V.Load(state.Last + j);
                V p = V.Scale(fraction, e - (V.Load(state.Exponent + j) - V.Broadcast(Const.Of<T>(Frame.Bias))));
                Edge<V, S, T, M>.Store(p, y + j, n - j);
            }
        }
    }

    /// <summary>y = kept * Last; streamed, where y's vectors are all aligned.</summary>
    [MethodImpl(OnePass)]
    internal static void Rescale<B>(T* kept, nint keptStride, S* y, in ColumnTile tile, ColumnState<T> state) where B : struct, IChoice
    {
        nint w = V.Count;
        for (nint row = 0; row < tile.Rows; row++, kept += keptStride, y += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                V p = Edge<V, T, T, AsItself<T>>.Load(kept + j, n - j, 0) * V.Load(state.Last + j);
                if (B.Yes && n - j >= w) M.Stream(p, y + j);
                else Edge<V, S, T, M>.Store(p, y + j, n - j);
            }
        }
        if (B.Yes) Cache.StreamFence();
    }

    /// <summary>y = (x - Max) - Last.</summary>
    [MethodImpl(OnePass)]
    internal static void Subtract(S* x, S* y, in ColumnTile tile, ColumnState<T> state)
    {
        nint w = V.Count;
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride, y += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                V z = Edge<V, S, T, M>.Load(x + j, n - j, 0) - V.Load(state.Max + j) - V.Load(state.Last + j);
                Edge<V, S, T, M>.Store(z, y + j, n - j);
            }
        }
    }

    /// <summary>Total + Lost = sum(y * dy), or for log-softmax sum(dy).</summary>
    [MethodImpl(OnePass)]
    internal static void SumOfGradient<L>(S* y, S* dy, in ColumnTile tile, ColumnState<T> state) where L : struct, IChoice
    {
        nint w = V.Count, width = tile.Width, rows = tile.Rows;
        Fill(state.Sum, width, 0);
        Fill(state.Total, width, 0);
        Fill(state.Lost, width, 0);
        for (nint row = 0; row < rows; row++, y += tile.Stride, dy += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(dy + j);
                V d = Edge<V, S, T, M>.Load(dy + j, n - j, 0), sum = V.Load(state.Sum + j);
                if (L.Yes)
                {
                    sum += d;
                }
                else
                {
                    Cache.Prefetch(y + j);
                    sum = V.Fma(Edge<V, S, T, M>.Load(y + j, n - j, 0), d, sum);
                }
                V.Store(sum, state.Sum + j);
            }
            if (row % RowsPerFold != RowsPerFold - 1 && row != rows - 1) continue;
            for (nint j = 0; j < width; j += w) FoldSum(state, j);
        }
    }

    /// <summary>dx = G(y, dy, Total).</summary>
    [MethodImpl(OnePass)]
    internal static void WriteGradient<G>(S* y, S* dy, S* dx, in ColumnTile tile, ColumnState<T> state) where G : struct, IGradient<V, T>
    {
        nint w = V.Count;
        for (nint row = 0; row < tile.Rows; row++, y += tile.Stride, dy += tile.Stride, dx += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(y + j);
                Cache.Prefetch(dy + j);
                V d = G.Of(Edge<V, S, T, M>.Load(y + j, n - j, 0), Edge<V, S, T, M>.Load(dy + j, n - j, 0), V.Load(state.Total + j));
                Edge<V, S, T, M>.Store(d, dx + j, n - j);
            }
        }
    }

    /// <summary>dx = e^(x - Max) * Total, where these hold log-sum-exp and its gradient.</summary>
    [MethodImpl(OnePass)]
    internal static void WriteOfLogSumExp(S* x, S* dx, in ColumnTile tile, ColumnState<T> state)
    {
        nint w = V.Count;
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride, dx += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                V e = ExtExp.Exp<V, T>(Edge<V, S, T, M>.Load(x + j, n - j, 0) - V.Load(state.Max + j));
                Edge<V, S, T, M>.Store(e * V.Load(state.Total + j), dx + j, n - j);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FoldSum(ColumnState<T> state, nint j)
    {
        V total = V.Load(state.Total + j), lost = V.Load(state.Lost + j);
        Folded<V, T>.Add(ref total, ref lost, V.Load(state.Sum + j));
        V.Store(total, state.Total + j);
        V.Store(lost, state.Lost + j);
        V.Store(Zero, state.Sum + j);
    }
}
