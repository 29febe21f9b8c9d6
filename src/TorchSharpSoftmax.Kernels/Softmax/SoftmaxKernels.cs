namespace TorchSharpSoftmax.Kernels;

/// <summary>Softmax, log-softmax, log-sum-exp and their derivatives on memory laid out as (outer, length, inner), reduced along length.</summary>
/// <remarks>
/// Types: float, double, <see cref="BFloat16"/> and <see cref="Half"/>; the 16-bit types compute in float and round once. An output may be an
/// input's own memory, else they must not overlap. Results do not depend on the number of threads.
/// </remarks>
public static unsafe partial class SoftmaxKernels
{
    internal static void Softmax<S>(S* x, S* y, nint outer, nint length, nint inner, SoftmaxAlgorithm algorithm, int threads) where S : unmanaged =>
        Forward(x, y, outer, length, inner, SoftmaxOutput.Softmax, algorithm, threads);

    internal static void LogSoftmax<S>(S* x, S* y, nint outer, nint length, nint inner, SoftmaxAlgorithm algorithm, int threads) where S : unmanaged =>
        Forward(x, y, outer, length, inner, SoftmaxOutput.LogSoftmax, algorithm, threads);

    /// <summary>lse is of the computing type: float, or double for double.</summary>
    internal static void LogSumExp<S>(S* x, void* lse, nint outer, nint length, nint inner, int threads) where S : unmanaged =>
        Forward(x, lse, outer, length, inner, SoftmaxOutput.LogSumExp, SoftmaxAlgorithm.Auto, threads);

    /// <summary>With repeats, where inner is 1, dy is one row, which every row has.</summary>
    internal static void SoftmaxBackward<S>(S* y, S* dy, S* dx, nint outer, nint length, nint inner, int threads, bool repeats = false) where S : unmanaged =>
        Backward(y, dy, repeats ? 0 : length, dx, outer, length, inner, log: false, threads);

    /// <inheritdoc cref="SoftmaxBackward{S}(S*, S*, S*, nint, nint, nint, int, bool)"/>
    internal static void LogSoftmaxBackward<S>(S* y, S* dy, S* dx, nint outer, nint length, nint inner, int threads, bool repeats = false) where S : unmanaged =>
        Backward(y, dy, repeats ? 0 : length, dx, outer, length, inner, log: true, threads);

    /// <summary>lse is of the computing type, dy of the stored one.</summary>
    internal static void LogSumExpBackward<S>(S* x, void* lse, S* dy, S* dx, nint outer, nint length, nint inner, int threads) where S : unmanaged
    {
        if (outer == 0 || length == 0 || inner == 0) return;
        if (inner > 1)
        {
            ColumnTile.Run<S, LogSumExpColumnsBackward>(new(x, lse, dy, dx, length, inner), outer, length, inner, threads);
            return;
        }
        nint blocks = RowBlocks.Count(length);
        bool stream = dx != x && Cache.Streams(dx, (double)outer * length * inner);
        Isa.Run<S, LogSumExpBackward>(new(x, lse, dy, dx, length, stream), outer * blocks, length / blocks, threads);
    }

    private static void Forward<S>(S* x, void* y, nint outer, nint length, nint inner, SoftmaxOutput output, SoftmaxAlgorithm algorithm, int threads)
        where S : unmanaged
    {
        if (outer == 0 || inner == 0) return;
        if (length == 0)
        {
            if (output == SoftmaxOutput.LogSumExp) Isa.Run<S, LogSumExpOfNone>(new(y), outer * inner, 1, threads);
            return;
        }
        if (length == 1)
        {
            Isa.Run<S, SoftmaxOfOne>(new(x, y, output), outer * inner, 1, threads);
            return;
        }
        bool stream = x != y && output != SoftmaxOutput.LogSumExp && Cache.Streams((S*)y, (double)outer * length * inner);
        if (algorithm == SoftmaxAlgorithm.Auto) algorithm = SoftmaxChoice.Of<S>(length, inner, output, stream);
        if (inner > 1)
        {
            ColumnTile.Run<S, SoftmaxColumns>(new(x, y, length, inner, output, algorithm, stream), outer, length, inner, threads);
        }
        else if (RowBlocks.AreShared(outer, length, threads))
        {
            nint step = output == SoftmaxOutput.LogSumExp ? (typeof(S) == typeof(double) ? sizeof(double) : sizeof(float)) : length * sizeof(S);
            for (nint row = 0; row < outer; row++)
                SoftmaxSplit.Forward(x + row * length, (byte*)y + row * step, length, output, algorithm, stream, threads);
        }
        else
        {
            Isa.Run<S, SoftmaxForward>(new(x, y, length, output, algorithm, stream), outer, length, threads);
        }
    }

    private static void Backward<S>(S* y, S* dy, nint step, S* dx, nint outer, nint length, nint inner, bool log, int threads) where S : unmanaged
    {
        if (outer == 0 || length == 0 || inner == 0) return;
        bool stream = dx != dy && dx != y && Cache.Streams(dx, (double)outer * length * inner);
        if (inner > 1)
        {
            ColumnTile.Run<S, SoftmaxColumnsBackward>(new(y, dy, dx, length, inner, log), outer, length, inner, threads);
        }
        else if (RowBlocks.AreShared(outer, length, threads))
        {
            for (nint row = 0; row < outer; row++)
                SoftmaxSplit.Backward(y + row * length, dy + row * step, dx + row * length, length, log, stream, threads);
        }
        else
        {
            bool cached = !stream && (double)outer * length * sizeof(S) <= SoftmaxChoice.CachedBytes;
            Isa.Run<S, SoftmaxBackward>(new(y, dy, step, dx, length, log, cached, stream), outer, length, threads);
        }
    }
}
