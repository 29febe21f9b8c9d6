using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The weighted sums of tokens' rows, some tokens at a time.</summary>
internal readonly unsafe struct GateCombine(GateCombineTask task) : IRowKernel
{
    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        nint n = task.Features, k = task.Kept;
        S* rows = (S*)task.Rows, y = (S*)task.Tokenwise + first * n;
        long* places = task.Places + first * k;
        if (task.Weights == null) GateCombinePasses<V, S, T, M>.Sum<No>(rows, n, places, null, k, end - first, y);
        else GateCombinePasses<V, S, T, M>.Sum<Yes>(rows, n, places, (T*)task.Weights + first * k, k, end - first, y);
    }
}

/// <summary>The gradients of rows and weights, some tokens at a time: each row is one token's.</summary>
internal readonly unsafe struct GateCombineBackward(GateCombineTask task) : IRowKernel
{
    private const nint Line = 64;

    public void Rows<V, S, T, M>(nint first, nint end)
        where V : unmanaged, ILanes<V, T>
        where S : unmanaged
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where M : struct, IStored<S, T>
    {
        nint n = task.Features, k = task.Kept, tokens = end - first;
        S* rows = (S*)task.Rows, dy = (S*)task.Tokenwise + first * n, dx = (S*)task.RowsGradient;
        T* weights = (T*)task.Weights + first * k, dw = (T*)task.WeightsGradient;
        long* places = task.Places + first * k;
        if (dw != null) GateCombinePasses<V, S, T, M>.Dot(rows, n, places, k, tokens, dy, dw + first * k);
        if (dx == null) return;
        if (Streams<S>()) GateCombinePasses<V, S, T, M>.Spread<Yes>(dx, n, places, weights, k, tokens, dy);
        else GateCombinePasses<V, S, T, M>.Spread<No>(dx, n, places, weights, k, tokens, dy);
    }

    /// <summary>Whether the rows' gradient is too large to be found in a cache later, and lies so that whole lines are written.</summary>
    private bool Streams<S>() where S : unmanaged
    {
        nint bytesPerRow = task.Features * sizeof(S);
        return Cache.Streams((S*)task.RowsGradient, (double)task.Tokens * task.Kept * task.Features) && (((nint)task.RowsGradient | bytesPerRow) & (Line - 1)) == 0;
    }
}
