using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>One long row shared by threads: every pass runs over the row's blocks, and what the blocks found is merged in their order.</summary>
/// <remarks>The blocks, the passes and the order are those of one thread (<see cref="SoftmaxRow{V, S, T, M}"/>): so are the bits.</remarks>
internal static unsafe class SoftmaxSplit
{
    internal static void Forward<S>(S* x, void* y, nint length, SoftmaxOutput output, SoftmaxAlgorithm algorithm, bool stream, int threads)
        where S : unmanaged
    {
        bool keep = output == SoftmaxOutput.Softmax && algorithm == SoftmaxAlgorithm.ThreePass && !stream;
        void* kept = keep ? y : null;
        SoftmaxSum sum = default;
        if (algorithm == SoftmaxAlgorithm.TwoPass) sum = Sum<S>(x, kept, length, BlockSum.Running, 0, threads);
        if (algorithm != SoftmaxAlgorithm.TwoPass || !sum.IsExact)
        {
            double max = Sum<S>(x, kept, length, BlockSum.Max, 0, threads).Max;
            sum = Sum<S>(x, kept, length, BlockSum.ByMax, max, threads);
        }
        nint blocks = output == SoftmaxOutput.LogSumExp ? 1 : RowBlocks.Count(length);
        Isa.Run<S, BlockWrites>(new(x, y, length, sum, output, keep, stream), blocks, RowBlocks.Size(length), threads);
    }

    internal static void Backward<S>(S* y, S* dy, S* dx, nint length, bool log, bool stream, int threads) where S : unmanaged
    {
        nint count = RowBlocks.Count(length);
        double* sums = stackalloc double[RowBlocks.Most];
        Isa.Run<S, BackwardBlockSums>(new(y, dy, length, log, sums), count, RowBlocks.Size(length), threads);
        double sum = 0;
        for (nint block = 0; block < count; block++) sum += sums[block];
        Isa.Run<S, BackwardBlockWrites>(new(y, dy, dx, length, sum, log, stream), count, RowBlocks.Size(length), threads);
    }

    private static SoftmaxSum Sum<S>(S* x, void* kept, nint length, BlockSum what, double max, int threads) where S : unmanaged
    {
        nint count = RowBlocks.Count(length);
        SoftmaxSum* parts = stackalloc SoftmaxSum[RowBlocks.Most];
        Isa.Run<S, BlockSums>(new(x, kept, length, what, max, parts), count, RowBlocks.Size(length), threads);
        SoftmaxSum all = parts[0];
        for (nint block = 1; block < count; block++)
        {
            all = what switch
            {
                BlockSum.Running => SoftmaxSum.Merge(all, parts[block]),
                BlockSum.Max => parts[block].Max > all.Max ? parts[block] : all,
                _ => all with { Sum = all.Sum + parts[block].Sum },
            };
        }
        return all;
    }

    private enum BlockSum
    {
        Running,
        Max,
        ByMax,
    }

    private readonly struct BlockSums(void* x, void* kept, nint length, BlockSum what, double max, SoftmaxSum* parts) : IRowKernel
    {
        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T>
        {
            for (nint block = first; block < end; block++)
            {
                var (at, n) = RowBlocks.Range(block, block + 1, length);
                S* from = (S*)x + at;
                if (what == BlockSum.Running)
                {
                    parts[block] = SoftmaxPasses<V, S, T, M>.RunningSum(from, n);
                }
                else if (what == BlockSum.Max)
                {
                    parts[block] = new(0, Const.ToDouble(SoftmaxPasses<V, S, T, M>.Max(from, n)), default);
                }
                else
                {
                    var frame = Frame.Of(Const.Of<T>(max));
                    double sum = kept != null && typeof(S) == typeof(T)
                        ? SoftmaxPasses<V, S, T, M>.SumIn<Yes>(from, (T*)kept + at, n, frame)
                        : SoftmaxPasses<V, S, T, M>.SumIn<No>(from, null, n, frame);
                    parts[block] = new(sum, max, frame);
                }
            }
        }
    }

    private readonly struct BlockWrites(void* x, void* y, nint length, SoftmaxSum sum, SoftmaxOutput output, bool keep, bool stream) : IRowKernel
    {
        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T>
        {
            if (output == SoftmaxOutput.LogSumExp)
            {
                *(T*)y = SoftmaxRow<V, S, T, M>.LogSumExp((S*)x, length, sum);
                return;
            }
            var (at, n) = RowBlocks.Range(first, end, length);
            S* from = (S*)x + at, to = (S*)y + at;
            if (output == SoftmaxOutput.LogSoftmax) SoftmaxRow<V, S, T, M>.WriteLog(from, to, n, sum, stream);
            else if (keep && typeof(S) == typeof(T)) SoftmaxRow<V, S, T, M>.WriteKept((T*)to, to, n, sum, stream);
            else SoftmaxRow<V, S, T, M>.Write(from, to, n, sum, stream);
        }
    }

    private readonly struct BackwardBlockSums(void* y, void* dy, nint length, bool log, double* sums) : IRowKernel
    {
        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T>
        {
            for (nint block = first; block < end; block++)
            {
                var (at, n) = RowBlocks.Range(block, block + 1, length);
                sums[block] = SoftmaxBackward.Sum<V, S, T, M>((S*)y + at, (S*)dy + at, n, log);
            }
        }
    }

    private readonly struct BackwardBlockWrites(void* y, void* dy, void* dx, nint length, double sum, bool log, bool stream) : IRowKernel
    {
        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T>
        {
            var (at, n) = RowBlocks.Range(first, end, length);
            SoftmaxBackward.Write<V, S, T, M>((S*)y + at, (S*)dy + at, (S*)dx + at, n, sum, log, stream);
        }
    }
}
