using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>A strip of neighbouring columns of one (length, inner) slice, to be walked row by row with a lane for each column.</summary>
/// <remarks>
/// Where the columns are too few to fill vectors, several rows are laid side by side as one (they are neighbours in memory): each of its
/// Phases rows then has lanes of its own, merged at the end. The cut depends on the shape alone, never on threads. With inner 1 the strip is one
/// contiguous row, its elements side by side as phases: right, but merging as many lanes costs a short row more than passes made for rows.
/// </remarks>
internal readonly struct ColumnTile(nint start, nint columns, nint phases, nint length, nint inner)
{
    /// <summary>Vectors of any type fit a multiple of this; it is also the narrowest strip of a wide slice.</summary>
    internal const nint Unit = 64;

    /// <summary>No strip is wider: room for one lane of each column.</summary>
    internal const nint Widest = 512;

    /// <summary>Where the strip begins, in elements from the start of all memory.</summary>
    internal nint Start => start;

    internal nint Columns => columns;

    internal nint Phases => phases;

    /// <summary>Elements from one walked row to the next.</summary>
    internal nint Stride => phases * inner;

    internal nint Width => phases == 1 ? columns : phases * inner;

    /// <summary>Walked rows, with the last one that may be shorter.</summary>
    internal readonly nint Rows = (length + phases - 1) / phases;

    /// <summary>How wide a walked row is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal nint WidthOf(nint row) => row < length / phases ? Width : length % phases * inner;

    /// <summary>Runs a kernel whose units are the strips of all slices.</summary>
    internal static void Run<S, K>(in K kernel, nint outer, nint length, nint inner, int threads)
        where S : unmanaged
        where K : struct, IRowKernel
    {
        nint tiles = TilesOf(length, inner);
        Isa.Run<S, K>(kernel, outer * tiles, length * inner / tiles, threads);
    }

    /// <summary>How many strips a slice has.</summary>
    internal static nint TilesOf(nint length, nint inner) => (inner - 1) / TileColumns(length, inner) + 1;

    /// <summary>One of the strips of all slices.</summary>
    internal static ColumnTile Of(nint unit, nint length, nint inner)
    {
        nint tiles = TilesOf(length, inner), outer = unit / tiles, first = unit % tiles * TileColumns(length, inner);
        nint phases = inner >= Unit ? 1 : Math.Min(length, 2 * Unit / inner);
        return new(outer * length * inner + first, Math.Min(TileColumns(length, inner), inner - first), phases, length, inner);
    }

    /// <summary>As wide as lets a strip of floats stay in the scratch buffer, within bounds, and even.</summary>
    private static nint TileColumns(nint length, nint inner)
    {
        nint fits = Math.Clamp(Scratch.Bytes / sizeof(float) / length / Unit * Unit, Unit, Widest);
        nint tiles = (inner - 1) / fits + 1;
        return ((inner - 1) / tiles / Unit + 1) * Unit;
    }
}
