namespace TorchSharpSoftmax.Kernels;

/// <summary>A linear head with its cross-entropy, without the logits, and the derivatives.</summary>
/// <remarks>Results are the same bits for any number of threads. Arguments are checked by the caller. An allocation that fails throws OutOfMemoryException and leaves nothing behind.</remarks>
internal static unsafe class CutCrossEntropyKernels
{
    /// <summary>What the widest tile has as columns, at 512 bits; narrower ones take less.</summary>
    private const nint WidestTile = 192;

    private const long LeastDefault = 48 << 20;

    /// <summary>The least workspace, in bytes, with which the kernels run: the logits of one tile of tokens, where the gradient is made in forward.</summary>
    internal static long LeastWorkspace<S>(nint features, nint classes, bool gradientInForward) where S : unmanaged =>
        gradientInForward ? CutPlan.PerToken(features, classes, WidestTile / SizeOf<S>(), SizeOf<S>()) * (WidestTile / SizeOf<S>()) : 0;

    /// <summary>The workspace that is taken where the caller names none: little beside the weight and its gradient.</summary>
    internal static long DefaultWorkspace<S>(nint features, nint classes, bool gradientInForward) where S : unmanaged =>
        gradientInForward ? Math.Max(LeastWorkspace<S>(features, classes, true), Math.Max(LeastDefault, (long)features * classes * SizeOf<S>() / 3)) : 0;

    /// <summary>Where forward may save what a filtered backward will need of the logits; null where that is all of them. The bias's gradient needs all.</summary>
    internal static CutSaved? SavedFor(in CutCrossEntropyTask task, CutCrossEntropyFilter filter) =>
        filter is { Threshold: > 0, Unbiased: false } && task is { Softcap: 0, Smoothing: 0, WantsEntropy: false } && task.Probabilities == null
            ? new(filter.Threshold) : null;

    /// <summary>The results of all counted rows; and, if asked for, the logits that a filtered backward will need.</summary>
    internal static void Forward<S>(in CutCrossEntropyTask task, CutCrossEntropyRow* rows, long workspace, int threads, CutSaved? saved = null) where S : unmanaged
    {
        if (task.Rows > 0) Isa.Run<S, CutRun>(new(CutPhase.Forward, task, rows, null, 0, default, default, saved, workspace, threads, null), 1, 1, 1);
    }

    /// <summary>The gradients, from what forward found; logits are computed again, unless they were saved. Returns how many entries of the logits' gradient were kept of all.</summary>
    internal static (long Kept, long All) Backward<S>(
        in CutCrossEntropyTask task, CutCrossEntropyRow* rows, CutCrossEntropyUpstream* upstream, CutCrossEntropyGradients gradients, CutCrossEntropyFilter filter, long workspace,
        int threads, CutSaved? saved = null)
        where S : unmanaged => Differentiate<S>(CutPhase.Backward, task, rows, upstream, 0, gradients, filter, saved, workspace, threads);

    /// <summary>Both in one pass over the logits, where the upstream gradients are known before: squares adds squares * lse^2 of each row to what is differentiated.</summary>
    internal static (long Kept, long All) ForwardBackward<S>(
        in CutCrossEntropyTask task, CutCrossEntropyRow* rows, CutCrossEntropyUpstream* upstream, double squares, CutCrossEntropyGradients gradients, CutCrossEntropyFilter filter,
        long workspace, int threads)
        where S : unmanaged => Differentiate<S>(CutPhase.Both, task, rows, upstream, squares, gradients, filter, null, workspace, threads);

    private static (long Kept, long All) Differentiate<S>(
        CutPhase phase, in CutCrossEntropyTask task, CutCrossEntropyRow* rows, CutCrossEntropyUpstream* upstream, double squares, CutCrossEntropyGradients gradients,
        CutCrossEntropyFilter filter, CutSaved? saved, long workspace, int threads)
        where S : unmanaged
    {
        long kept = 0, all = (long)task.Rows * task.Classes;
        Isa.Run<S, CutRun>(new(phase, task, rows, upstream, squares, gradients, filter, saved, workspace, threads, &kept), 1, 1, 1);
        return (filter.Threshold > 0 ? kept : all, all);
    }

    private static int SizeOf<S>() where S : unmanaged => sizeof(S) == sizeof(double) ? sizeof(double) : sizeof(float);
}
