using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The walks over a strip of columns from which the softmax family is built where its dimension is not the last.</summary>
/// <remarks>The same arithmetic as <see cref="SoftmaxPasses{V, S, T, M}"/>, with a lane for each column; sums are compensated, so that a column of any length is as good as a row.</remarks>
internal static unsafe class SoftmaxColumnPasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;

    private static V Zero
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => V.Broadcast(Const.Of<T>(0));
    }

    /// <summary>Max: the columns' maxima; NaN is lost.</summary>
    [MethodImpl(OnePass)]
    internal static void Max(S* x, in ColumnTile tile, SoftmaxColumnState<T> state)
    {
        nint w = V.Count;
        ColumnLanes<V, T>.Fill(state.Max, tile.Width, double.NegativeInfinity);
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

    /// <summary>Max, Exponent and Sum - Lost: Two-Pass's first pass.</summary>
    [MethodImpl(OnePass)]
    internal static void RunningSum(S* x, in ColumnTile tile, SoftmaxColumnState<T> state)
    {
        nint w = V.Count;
        var exp = new ExtExp<V, T>();
        V least = exp.Exponent(exp.Floor);
        for (nint j = 0; j < tile.Width; j += w)
        {
            V.Store(exp.Floor, state.Max + j);
            V.Store(least, state.Exponent + j);
            V.Store(Zero, state.Sum + j);
            V.Store(Zero, state.Lost + j);
        }
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                V x0 = V.AtLeast(Edge<V, S, T, M>.Load(x + j, n - j, double.NegativeInfinity), exp.Floor);
                V max = V.AtLeast(x0, V.Load(state.Max + j)), grown = exp.Exponent(max), down = V.Load(state.Exponent + j) - grown;
                V.Store(V.Scale(V.Load(state.Sum + j), down), state.Sum + j);
                V.Store(V.Scale(V.Load(state.Lost + j), down), state.Lost + j);
                V.Store(max, state.Max + j);
                V.Store(grown, state.Exponent + j);
                ColumnLanes<V, T>.Add(state.Sum + j, state.Lost + j, exp.Term(x0, grown));
            }
        }
    }

    /// <summary>Sum - Lost in the frame of Shift and Exponent, and, where kept, each exponential; both times 2^<see cref="Frame.Bias"/>.</summary>
    [MethodImpl(OnePass)]
    internal static void SumIn<K>(S* x, T* kept, nint keptStride, in ColumnTile tile, SoftmaxColumnState<T> state) where K : struct, IChoice
    {
        nint w = V.Count;
        var exp = new ExtExp<V, T>();
        V bias = V.Broadcast(Const.Of<T>(Frame.Bias));
        ColumnLanes<V, T>.Fill(state.Sum, tile.Width, 0);
        ColumnLanes<V, T>.Fill(state.Lost, tile.Width, 0);
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride, kept += keptStride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                V x0 = V.AtLeast(Edge<V, S, T, M>.Load(x + j, n - j, double.NegativeInfinity) - V.Load(state.Shift + j), exp.Floor);
                V y = exp.Term(x0, V.Load(state.Exponent + j) - bias);
                if (K.Yes) Edge<V, T, T, AsItself<T>>.Store(y, kept + j, n - j);
                ColumnLanes<V, T>.Add(state.Sum + j, state.Lost + j, y);
            }
        }
    }

    /// <summary>y = e^(x - Shift) * 2^(<see cref="Frame.Bias"/> - Exponent) * Last.</summary>
    [MethodImpl(OnePass)]
    internal static void Normalize(S* x, S* y, in ColumnTile tile, SoftmaxColumnState<T> state)
    {
        var exp = new ExtExp<V, T>();
        nint w = V.Count;
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride, y += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                V x0 = V.AtLeast(Edge<V, S, T, M>.Load(x + j, n - j, 0) - V.Load(state.Shift + j), exp.Floor);
                V p = exp.Term(x0, V.Load(state.Exponent + j) - V.Broadcast(Const.Of<T>(Frame.Bias)), V.Load(state.Last + j));
                Edge<V, S, T, M>.Store(p, y + j, n - j);
            }
        }
    }

    /// <summary>y = kept * Last; streamed, where y's vectors are all aligned.</summary>
    [MethodImpl(OnePass)]
    internal static void Rescale<B>(T* kept, nint keptStride, S* y, in ColumnTile tile, SoftmaxColumnState<T> state) where B : struct, IChoice
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
    internal static void Subtract(S* x, S* y, in ColumnTile tile, SoftmaxColumnState<T> state)
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

    /// <summary>Sum - Lost = sum(y * dy), or for log-softmax sum(dy).</summary>
    [MethodImpl(OnePass)]
    internal static void SumOfGradient<L>(S* y, S* dy, in ColumnTile tile, SoftmaxColumnState<T> state) where L : struct, IChoice
    {
        nint w = V.Count;
        ColumnLanes<V, T>.Fill(state.Sum, tile.Width, 0);
        ColumnLanes<V, T>.Fill(state.Lost, tile.Width, 0);
        for (nint row = 0; row < tile.Rows; row++, y += tile.Stride, dy += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(dy + j);
                V d = Edge<V, S, T, M>.Load(dy + j, n - j, 0);
                if (!L.Yes)
                {
                    Cache.Prefetch(y + j);
                    d *= Edge<V, S, T, M>.Load(y + j, n - j, 0);
                }
                ColumnLanes<V, T>.Add(state.Sum + j, state.Lost + j, d);
            }
        }
    }

    /// <summary>dx = G(y, dy, Sum).</summary>
    [MethodImpl(OnePass)]
    internal static void WriteGradient<G>(S* y, S* dy, S* dx, in ColumnTile tile, SoftmaxColumnState<T> state) where G : struct, IGradient<G, V, T>
    {
        var gradient = G.New();
        nint w = V.Count;
        for (nint row = 0; row < tile.Rows; row++, y += tile.Stride, dy += tile.Stride, dx += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(y + j);
                Cache.Prefetch(dy + j);
                V d = gradient.Of(Edge<V, S, T, M>.Load(y + j, n - j, 0), Edge<V, S, T, M>.Load(dy + j, n - j, 0), V.Load(state.Sum + j));
                Edge<V, S, T, M>.Store(d, dx + j, n - j);
            }
        }
    }

    /// <summary>dx = e^(x - Max) * Sum, where these hold log-sum-exp and its gradient.</summary>
    [MethodImpl(OnePass)]
    internal static void WriteOfLogSumExp(S* x, S* dx, in ColumnTile tile, SoftmaxColumnState<T> state)
    {
        var exp = new ExtExp<V, T>();
        nint w = V.Count;
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride, dx += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                V e = exp.Exp(Edge<V, S, T, M>.Load(x + j, n - j, 0) - V.Load(state.Max + j));
                Edge<V, S, T, M>.Store(e * V.Load(state.Sum + j), dx + j, n - j);
            }
        }
    }
}
