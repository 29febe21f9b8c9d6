namespace TorchSharpSoftmax.Kernels;

/// <summary>How the work is cut into chunks of tokens and slices of classes: by extents, width and workspace, never by threads, so that sums are always made alike.</summary>
/// <remarks>
/// A chunk's tokens are the lanes; its logits stand class by class, as many classes at once (a stretch) as the workspace holds. Where the gradient is made in the same pass that is
/// all of them. A slice is what one thread works on at a time: its weights stay in the second-level cache.
/// </remarks>
internal readonly struct CutPlan
{
    /// <summary>No chunk has more tokens: a slice's logits would leave the second-level cache, and little is gained.</summary>
    private const nint MostTokens = 384;

    private const nint WeightBytes = 384 << 10, MostPart = 512, StepBytes = 8 << 20, PanelBytes = 160 << 10;

    /// <summary>Slices of a stretch, or a multiple of it: two, four or eight threads get equal shares.</summary>
    private const nint SlicesAtOnce = 8;

    /// <summary>Fewer than so many times <see cref="SlicesAtOnce"/> parts are made equal, or one thread would have one more than the others; but none is cut below so many tiles.</summary>
    private const nint MostBalanced = 4, LeastTiles = 4;

    /// <summary>Classes of a slice where few of them will be kept.</summary>
    private const nint FilteredSlice = 1024;

    /// <summary>Classes that are summed into the input's gradient at a time.</summary>
    internal const nint Depth = 256;

    /// <summary>Tokens of a whole chunk.</summary>
    internal readonly nint Tokens;

    /// <summary>The same, up to whole panels: elements from one class to the next.</summary>
    internal readonly nint Columns;

    /// <summary>Features that a tile sums at a time.</summary>
    internal readonly nint Features;

    /// <summary>Features up to whole panels.</summary>
    internal readonly nint Width;

    /// <summary>Classes whose weights are multiplied, and whose terms are summed, at a time.</summary>
    internal readonly nint Part;

    /// <summary>Classes whose gradients are made at a time.</summary>
    internal readonly nint Slice;

    /// <summary>Classes whose logits are there at once, a multiple of the slice or all.</summary>
    internal readonly nint Stretch;

    /// <summary>Of a stretch, what is differentiated at a time: its logits are then still in the last-level cache for the input's gradient.</summary>
    internal readonly nint Step;

    /// <param name="rows">Counted tokens.</param>
    /// <param name="features">Of a token.</param>
    /// <param name="classes">Of the head.</param>
    /// <param name="tileRows">Of the product's tile.</param>
    /// <param name="tileColumns">Of the product's tile.</param>
    /// <param name="size">Of an element, in bytes.</param>
    /// <param name="whole">Whether all classes' logits of a chunk are kept.</param>
    /// <param name="filters">Whether few entries will be kept.</param>
    /// <param name="workspace">Bytes.</param>
    internal CutPlan(nint rows, nint features, nint classes, nint tileRows, nint tileColumns, nint size, bool whole, bool filters, long workspace)
    {
        Width = UpTo(features, tileColumns);
        nint blocks = Math.Max(1, (features * tileColumns * size + PanelBytes - 1) / PanelBytes);
        Features = Math.Max(1, (features + blocks - 1) / blocks);
        Part = Math.Min(UpTo(Math.Clamp(WeightBytes / (Features * size), 2 * tileRows, MostPart), tileRows), UpTo(classes, tileRows));
        nint parts = (classes + Part - 1) / Part;
        if (parts < MostBalanced * SlicesAtOnce) // as many for each thread, rather than full ones
            Part = Math.Min(Part, UpTo(Math.Max((classes - 1) / UpTo(parts, SlicesAtOnce) + 1, LeastTiles * tileRows), tileRows));
        Slice = filters ? Math.Min(UpTo(FilteredSlice, Part), UpTo(classes, tileRows)) : Part;
        nint most = MostTokens;
        if (whole) most = (nint)Math.Min(most, workspace / PerToken(features, classes, tileColumns, size));
        most = Math.Max(tileColumns, most / tileColumns * tileColumns);
        Tokens = Math.Clamp(rows, 1, most);
        Columns = UpTo(Tokens, tileColumns);
        Step = Math.Max(1, StepBytes / (Columns * size) / Slice / SlicesAtOnce) * SlicesAtOnce * Slice;
        Stretch = whole ? UpTo(classes, Slice) : Math.Min(SlicesAtOnce, (classes + Slice - 1) / Slice) * Slice;
    }

    /// <summary>Bytes of a token in a chunk whose logits are all kept.</summary>
    internal static long PerToken(nint features, nint classes, nint tileColumns, nint size) => (classes + 64 + 3L * UpTo(features, tileColumns)) * size;

    internal static nint UpTo(nint count, nint unit) => (count + unit - 1) / unit * unit;
}
