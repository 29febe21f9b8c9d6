using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>One long row shared by threads: every pass runs over the row's blocks, and what the blocks found is merged in their order.</summary>
internal static unsafe class StableMaxSplit
{
    internal static void Forward<S>(S* x, S* y, nint length, bool log, bool stream, int threads) where S : unmanaged
    {
        var sum = StableSum.Of(new SharedRow<S>(x, null, length, log, threads));
        Isa.Run<S, Writes>(new(x, y, length, sum, log, stream), RowBlocks.Count(length), RowBlocks.Size(length), threads);
    }

    internal static void Backward<S>(S* x, S* dy, S* dx, nint length, bool log, bool stream, int threads) where S : unmanaged
    {
        var row = StableGradient.Of(new SharedRow<S>(x, dy, length, log, threads), new SharedRow<S>(x, null, length, log, threads), log);
        Isa.Run<S, GradientWrites>(new(x, dy, dx, length, row, log, stream), RowBlocks.Count(length), RowBlocks.Size(length), threads);
    }

    private readonly struct SharedRow<S>(S* x, S* dy, nint length, bool log, int threads) : IStableSums
        where S : unmanaged
    {
        public (double Sum, double Dot) Over(StableWeights weights)
        {
            nint count = RowBlocks.Count(length);
            var parts = stackalloc (double Sum, double Dot)[RowBlocks.Most];
            Isa.Run<S, Sums>(new(x, dy, length, log, weights, parts), count, RowBlocks.Size(length), threads);
            var (sum, dot) = parts[0];
            for (nint block = 1; block < count; block++)
            {
                sum += parts[block].Sum;
                dot += parts[block].Dot;
            }
            return (sum, dot);
        }
    }

    private readonly struct Sums(void* x, void* dy, nint length, bool log, StableWeights weights, (double Sum, double Dot)* parts) : IRowKernel
    {
        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T>
        {
            var row = new StableMaxRow<V, S, T, M>((S*)x, (S*)dy, length, log);
            for (nint block = first; block < end; block++) parts[block] = row.OfBlock(block, weights);
        }
    }

    private readonly struct Writes(void* x, void* y, nint length, StableSum sum, bool log, bool stream) : IRowKernel
    {
        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T>
        {
            var (at, n) = RowBlocks.Range(first, end, length);
            StableMaxRow<V, S, T, M>.Write((S*)x + at, (S*)y + at, n, sum, log, stream);
        }
    }

    private readonly struct GradientWrites(void* x, void* dy, void* dx, nint length, StableGradient row, bool log, bool stream) : IRowKernel
    {
        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T>
        {
            var (at, n) = RowBlocks.Range(first, end, length);
            StableMaxRow<V, S, T, M>.WriteGradient((S*)x + at, (S*)dy + at, (S*)dx + at, n, row, log, stream);
        }
    }
}
