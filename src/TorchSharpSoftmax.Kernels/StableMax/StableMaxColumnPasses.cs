using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The walks over a strip of columns: the same arithmetic as for rows, with a lane for each column and compensated sums.</summary>
internal static unsafe class StableMaxColumnPasses<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;

    /// <summary>Sum - SumLost = sum(s(x) * Scale).</summary>
    [MethodImpl(OnePass)]
    internal static void Sum(S* x, in ColumnTile tile, StableMaxColumnState<T> state)
    {
        nint w = V.Count;
        ColumnLanes<V, T>.Fill(state.Sum, tile.Width, 0);
        ColumnLanes<V, T>.Fill(state.SumLost, tile.Width, 0);
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                V s = Stable<V, T>.Scaled(Edge<V, S, T, M>.Load(x + j, n - j, double.NegativeInfinity), V.Load(state.Scale + j));
                ColumnLanes<V, T>.Add(state.Sum + j, state.SumLost + j, s);
            }
        }
    }

    /// <summary>The same, and Dot - DotLost = sum(s(x) * Scale * Factor * dy), or for the logarithm sum(dy).</summary>
    [MethodImpl(OnePass)]
    internal static void Sums<L>(S* x, S* dy, in ColumnTile tile, StableMaxColumnState<T> state) where L : struct, IChoice
    {
        nint w = V.Count;
        ColumnLanes<V, T>.Fill(state.Sum, tile.Width, 0);
        ColumnLanes<V, T>.Fill(state.SumLost, tile.Width, 0);
        ColumnLanes<V, T>.Fill(state.Dot, tile.Width, 0);
        ColumnLanes<V, T>.Fill(state.DotLost, tile.Width, 0);
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride, dy += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                Cache.Prefetch(dy + j);
                V s = Stable<V, T>.Scaled(Edge<V, S, T, M>.Load(x + j, n - j, double.NegativeInfinity), V.Load(state.Scale + j));
                V d = Edge<V, S, T, M>.Load(dy + j, n - j, 0);
                ColumnLanes<V, T>.Add(state.Sum + j, state.SumLost + j, s);
                ColumnLanes<V, T>.Add(state.Dot + j, state.DotLost + j, L.Yes ? d : s * V.Load(state.Factor + j) * d);
            }
        }
    }

    /// <summary>y = s(x) * Scale * Factor.</summary>
    [MethodImpl(OnePass)]
    internal static void Write(S* x, S* y, in ColumnTile tile, StableMaxColumnState<T> state)
    {
        nint w = V.Count;
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride, y += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                V p = Stable<V, T>.Scaled(Edge<V, S, T, M>.Load(x + j, n - j, 0), V.Load(state.Scale + j)) * V.Load(state.Factor + j);
                Edge<V, S, T, M>.Store(p, y + j, n - j);
            }
        }
    }

    /// <summary>y = log s(x) - Factor.</summary>
    [MethodImpl(OnePass)]
    internal static void WriteLog(S* x, S* y, in ColumnTile tile, StableMaxColumnState<T> state)
    {
        var log = new StableLog<V, T>(V.Broadcast(Const.Of<T>(0)));
        nint w = V.Count;
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride, y += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                Edge<V, S, T, M>.Store(log.Of(Edge<V, S, T, M>.Load(x + j, n - j, 0), V.Load(state.Factor + j)), y + j, n - j);
            }
        }
    }

    /// <summary>dx = G(x, dy).</summary>
    [MethodImpl(OnePass)]
    internal static void WriteGradient<G>(S* x, S* dy, S* dx, in ColumnTile tile, StableMaxColumnState<T> state) where G : struct, IStableGradient<V, T>
    {
        nint w = V.Count;
        for (nint row = 0; row < tile.Rows; row++, x += tile.Stride, dy += tile.Stride, dx += tile.Stride)
        {
            nint n = tile.WidthOf(row);
            for (nint j = 0; j < n; j += w)
            {
                Cache.Prefetch(x + j);
                Cache.Prefetch(dy + j);
                V d = G.Of(
                    Edge<V, S, T, M>.Load(x + j, n - j, 0), Edge<V, S, T, M>.Load(dy + j, n - j, 0), V.Load(state.Scale + j), V.Load(state.Factor + j), V.Load(state.Dot + j));
                Edge<V, S, T, M>.Store(d, dx + j, n - j);
            }
        }
    }
}
