using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>What a call computes: results, gradients from them, or both at once.</summary>
internal enum CutPhase
{
    Forward,
    Backward,
    Both,
}

/// <summary>The whole of a call, once its width and element type are chosen: it deals work to threads itself, phase by phase.</summary>
internal readonly unsafe struct CutRun(
    CutPhase phase, CutCrossEntropyTask task, CutCrossEntropyRow* results, CutCrossEntropyUpstream* upstream, double squares, CutCrossEntropyGradients gradients,
    CutCrossEntropyFilter filter, CutSaved? saved, long workspace, int threads, long* kept) : IRowKernel
{
    internal CutPhase Phase => phase;

    internal CutCrossEntropyTask Task => task;

    internal CutCrossEntropyRow* Results => results;

    internal CutCrossEntropyUpstream* Upstream => upstream;

    internal double Squares => squares;

    internal CutCrossEntropyGradients Gradients => gradients;

    internal CutCrossEntropyFilter Filter => filter;

    internal CutSaved? Saved => saved;

    internal long Workspace => workspace;

    /// <summary>At most one for each million multiplications: more would cost more than they save. No bit depends on it.</summary>
    internal int Threads { get; } = (int)Math.Clamp((double)task.Rows * task.Classes * Math.Max(1, task.Features) / (1 << 20), 1, Math.Max(1, threads));

    /// <summary>Whether logits are needed for gradients, not for results alone.</summary>
    internal bool Differentiates => phase != CutPhase.Forward;

    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        long all = task.Link == CrossEntropyLink.StableMax ? Of<CutStableMaxLink<V, T>, V, S, T, M>() : Of<CutSoftmaxLink<V, T>, V, S, T, M>();
        if (kept != null) *kept = all;
    }

    private long Of<L, V, S, T, M>()
        where L : struct, ICutLink<L, V, T>
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        using var chunk = new CutChunk<L, V, S, T, M>(this);
        chunk.Run();
        return chunk.Kept;
    }
}
