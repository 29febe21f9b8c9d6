using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>What a walk over a strip of columns remembers of them: arrays with a lane for each column, in every phase.</summary>
internal static unsafe class ColumnLanes<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    /// <summary>Sets so many lanes, in whole vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Fill(T* lanes, nint n, double value)
    {
        for (nint j = 0; j < n; j += V.Count) V.Store(V.Broadcast(Const.Of<T>(value)), lanes + j);
    }

    /// <summary>sum - lost += term; lost is what rounding has added to sum beyond the truth.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Add(T* sum, T* lost, V term)
    {
        V before = V.Load(sum), due = term - V.Load(lost), after = before + due;
        V.Store((after - before) - due, lost);
        V.Store(after, sum);
    }

    /// <summary>sum = (sum - lost) * scale, merged over phases.</summary>
    internal static void Finish(in ColumnTile tile, T* sum, T* lost, double scale)
    {
        if (tile.Phases == 1)
        {
            for (nint j = 0; j < tile.Width; j += V.Count) V.Store((V.Load(sum + j) - V.Load(lost + j)) * V.Broadcast(Const.Of<T>(scale)), sum + j);
            return;
        }
        for (nint c = 0; c < tile.Columns; c++)
        {
            double all = 0, allLost = 0;
            for (nint i = c; i < tile.Width; i += tile.Columns)
            {
                double term = Const.ToDouble(sum[i]) - Const.ToDouble(lost[i]) - allLost, grown = all + term;
                allLost = grown - all - term;
                all = grown;
            }
            sum[c] = Const.Of<T>(all * scale);
        }
        Spread(tile, sum);
    }

    /// <summary>Gives every phase of a column the same number: a copy for each.</summary>
    internal static void Spread(in ColumnTile tile, T* lanes)
    {
        for (nint i = tile.Columns; i < tile.Width; i++) lanes[i] = lanes[i - tile.Columns];
    }
}
