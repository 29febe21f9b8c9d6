namespace TorchSharpSoftmax.Kernels;

/// <summary>The workspace of a call: what a chunk needs, in one block.</summary>
internal sealed unsafe class CutMemory<V, S, T> : IDisposable
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged
{
    private readonly byte* _block;

    /// <summary>The input as panels: tokens in lanes (features are rows), and features in lanes (tokens are rows).</summary>
    internal readonly T* InputByToken, InputByFeature;

    /// <summary>[classes of a stretch, columns], with a tile's rows more for what lies beyond the last class.</summary>
    internal readonly T* Logits;

    /// <summary>[columns, width], with a tile's rows more.</summary>
    internal readonly T* InputGradient;

    /// <summary><see cref="CutSums{T}"/> of each part of a stretch, and the chunk's <see cref="CutFactors{T}"/>.</summary>
    internal readonly T* Sums, Factors;

    /// <summary>The bias's gradient, over all chunks.</summary>
    internal readonly double* BiasSums;

    /// <summary>One for each of the chunk's tokens.</summary>
    internal readonly CutTotals* Totals;

    /// <summary>The targets of the chunk's tokens.</summary>
    internal readonly CutHit* Hits;

    /// <summary>What filtering kept of each panel of each slice: row numbers, and how many.</summary>
    internal readonly long* Kept, KeptCounts;

    internal readonly ScratchPieces Scratch;

    /// <summary>Where in a piece of scratch there is room for a tile that nobody reads.</summary>
    internal readonly nint Scrap;

    internal CutMemory(in CutRun run, in CutPlan plan)
    {
        CutCrossEntropyTask task = run.Task;
        nint rows = GemmTile<V, T>.Rows, columns = GemmTile<V, T>.Columns, panels = plan.Columns / columns;
        bool weight = run.Gradients.Weight != 0, filter = run.Filter.Threshold > 0;
        nint widened = typeof(S) == typeof(T) ? 0 : plan.Part * plan.Features, packed = run.Gradients.Input == 0 ? 0 : CutPlan.Depth * Math.Min(plan.Width, CutChunk.Group * columns);
        Scrap = CutPlan.UpTo(Math.Max(Math.Max(widened, packed), task.Probabilities == null ? 0 : plan.Slice * plan.Columns), 64);
        nint scratchBytes = CutPlan.UpTo((Scrap + rows * columns) * sizeof(T), 4096);
        nint parts = (plan.Stretch + plan.Part - 1) / plan.Part, slices = (plan.Stretch + plan.Slice - 1) / plan.Slice;
        nint[] bytes =
        [
            plan.Columns * task.Features * sizeof(T),
            weight ? plan.Tokens * plan.Width * sizeof(T) : 0,
            (plan.Stretch + rows) * plan.Columns * sizeof(T),
            run.Gradients.Input == 0 ? 0 : (plan.Columns + rows) * plan.Width * sizeof(T),
            parts * CutSums<T>.Fields * plan.Columns * sizeof(T),
            CutFactors<T>.Fields * plan.Columns * sizeof(T),
            run.Gradients.Bias == 0 ? 0 : task.Classes * sizeof(double),
            plan.Columns * sizeof(CutTotals),
            plan.Tokens * task.TargetsPerRow * sizeof(CutHit),
            filter ? panels * plan.Stretch * sizeof(long) : 0,
            filter ? panels * slices * sizeof(long) : 0,
            scratchBytes * run.Threads,
        ];
        _block = (byte*)Block.Take(bytes); // which from now on are addresses
        int next = 0;
        InputByToken = (T*)Next();
        InputByFeature = (T*)Next();
        Logits = (T*)Next();
        InputGradient = (T*)Next();
        Sums = (T*)Next();
        Factors = (T*)Next();
        BiasSums = (double*)Next();
        Totals = (CutTotals*)Next();
        Hits = (CutHit*)Next();
        Kept = (long*)Next();
        KeptCounts = (long*)Next();
        Scratch = new(Next(), scratchBytes, run.Threads);

        byte* Next() => (byte*)bytes[next++];
    }

    public void Dispose() => Block.Give(_block);
}
