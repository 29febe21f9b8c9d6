namespace TorchSharpSoftmax.Kernels;

/// <summary>Logits of a few classes (rows) and a chunk of tokens (columns, a lane each): what the passes walk over.</summary>
/// <remarks>Columns are a multiple of every width; those beyond the chunk's tokens hold numbers that nobody reads, not even finite ones.</remarks>
/// <param name="at">The first element.</param>
/// <param name="first">The first row's class.</param>
/// <param name="rows">How many classes.</param>
/// <param name="columns">Columns, and elements from row to row.</param>
internal readonly unsafe struct CutBlock<T>(T* at, nint first, nint rows, nint columns)
    where T : unmanaged
{
    internal T* At => at;

    internal nint First => first;

    internal nint Rows => rows;

    internal nint Columns => columns;

    internal T* Of(nint classNumber, nint column) => at + (classNumber - first) * columns + column;
}

/// <summary>What the sums of one part of the classes are: an array over the chunk's columns each.</summary>
internal readonly unsafe struct CutSums<T>(T* at, nint columns)
    where T : unmanaged
{
    /// <summary>How many arrays there are.</summary>
    internal const int Fields = 8;

    /// <summary>The largest key but for left out targets, and the sum of the terms in its unit.</summary>
    internal T* Key => at;

    internal T* Sum => at + columns;

    /// <summary>sum(term * log term), in the same unit.</summary>
    internal T* Logs => at + 2 * columns;

    /// <summary>sum(class weight * log term).</summary>
    internal T* Weighted => at + 3 * columns;

    /// <summary>sum(class weight * probability), and the same times the log term, of dense targets.</summary>
    internal T* Targets => at + 4 * columns;

    internal T* TargetLogs => at + 5 * columns;

    /// <summary>The largest logit and its row in the slice, of all classes.</summary>
    internal T* Best => at + 6 * columns;

    internal T* BestRow => at + 7 * columns;
}

/// <summary>What each column's gradient is made from: an array over the chunk's columns each.</summary>
internal readonly unsafe struct CutFactors<T>(T* at, nint columns)
    where T : unmanaged
{
    internal const int Fields = 8;

    /// <summary>The frame of <see cref="ICutLink{L, V, T}.FrameOf"/>, and what probabilities are multiplied by in it.</summary>
    internal T* Frame => at;

    internal T* Factor => at + columns;

    /// <summary>What probabilities count beside <see cref="Factor"/>: where that does not say all.</summary>
    internal T* Whole => at + 2 * columns;

    /// <summary>The upstream gradient of the entropy, and lse - entropy.</summary>
    internal T* OfEntropy => at + 3 * columns;

    internal T* Level => at + 4 * columns;

    /// <summary>What class weights are multiplied by, for smoothing.</summary>
    internal T* Spread => at + 5 * columns;

    /// <summary>What dense targets are multiplied by.</summary>
    internal T* OfTargets => at + 6 * columns;

    /// <summary>Entries whose size is below it are filtered.</summary>
    internal T* Least => at + 7 * columns;
}
