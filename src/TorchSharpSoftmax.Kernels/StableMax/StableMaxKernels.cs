namespace TorchSharpSoftmax.Kernels;

/// <summary>StableMax, its logarithm and their derivatives on memory laid out as (outer, length, inner), summed along length.</summary>
/// <remarks>
/// Types: float, double, <see cref="BFloat16"/> and <see cref="Half"/>; the 16-bit types compute in float and round once. An output may be an
/// input's own memory, else they must not overlap. Results do not depend on the number of threads.
/// </remarks>
public static unsafe partial class StableMaxKernels
{
    internal static void StableMax<S>(S* x, S* y, nint outer, nint length, nint inner, int threads) where S : unmanaged =>
        Forward(x, y, outer, length, inner, log: false, threads);

    internal static void LogStableMax<S>(S* x, S* y, nint outer, nint length, nint inner, int threads) where S : unmanaged =>
        Forward(x, y, outer, length, inner, log: true, threads);

    internal static void StableMaxBackward<S>(S* x, S* dy, S* dx, nint outer, nint length, nint inner, int threads) where S : unmanaged =>
        Backward(x, dy, dx, outer, length, inner, log: false, threads);

    internal static void LogStableMaxBackward<S>(S* x, S* dy, S* dx, nint outer, nint length, nint inner, int threads) where S : unmanaged =>
        Backward(x, dy, dx, outer, length, inner, log: true, threads);

    private static void Forward<S>(S* x, S* y, nint outer, nint length, nint inner, bool log, int threads) where S : unmanaged
    {
        if (outer == 0 || length == 0 || inner == 0) return;
        bool stream = x != y && Cache.IsLeftBy<S>(outer, length, inner);
        if (length == 1)
        {
            Isa.Run<S, StableMaxOfOne>(new(x, y, log), outer * inner, 1, threads);
        }
        else if (inner > 1)
        {
            ColumnTile.Run<S, StableMaxColumns>(new(x, y, length, inner, log), outer, length, inner, threads);
        }
        else if (StableMaxSplit.Pays(outer, length, threads))
        {
            for (nint at = 0; at < outer * length; at += length) StableMaxSplit.Forward(x + at, y + at, length, log, stream, threads);
        }
        else
        {
            Isa.Run<S, StableMaxForward>(new(x, y, length, log, stream), outer, length, threads);
        }
    }

    private static void Backward<S>(S* x, S* dy, S* dx, nint outer, nint length, nint inner, bool log, int threads) where S : unmanaged
    {
        if (outer == 0 || length == 0 || inner == 0) return;
        bool stream = dx != dy && dx != x && Cache.IsLeftBy<S>(outer, length, inner);
        if (length == 1)
        {
            Isa.Run<S, StableMaxOfOneBackward>(new(x, dy, dx), outer * inner, 1, threads);
        }
        else if (inner > 1)
        {
            ColumnTile.Run<S, StableMaxColumnsBackward>(new(x, dy, dx, length, inner, log), outer, length, inner, threads);
        }
        else if (StableMaxSplit.Pays(outer, length, threads))
        {
            for (nint at = 0; at < outer * length; at += length) StableMaxSplit.Backward(x + at, dy + at, dx + at, length, log, stream, threads);
        }
        else
        {
            Isa.Run<S, StableMaxBackward>(new(x, dy, dx, length, log, stream), outer, length, threads);
        }
    }
}
