using System.Runtime.ExceptionServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>A range of independent units of work; throws nothing but <see cref="OutOfMemoryException"/>.</summary>
internal interface IWork
{
    void Do(nint first, nint end);
}

/// <summary>Splits units of work over threads, libtorch's where there are any, or the .NET pool's; the caller works too.</summary>
/// <remarks>Which thread does which units changes from run to run; kernels answer the same however the units are dealt.</remarks>
internal static class Workers
{
    /// <summary>Pieces per thread: enough that a late thread costs little, few enough that taking one costs nothing.</summary>
    private const int PiecesPerThread = 4;

    internal static void Run<W>(in W work, nint units, int threads) where W : struct, IWork
    {
        if (threads <= 1 || units <= 1)
        {
            if (units > 0) work.Do(0, units);
            return;
        }
        threads = (int)Math.Min(threads, units);
        var job = new Job<W>(work, units, threads);
        if (OpenMp.IsLoaded) OpenMp.Run(job, threads);
        else RunOnPool(job, threads);
        job.ThrowWhatFailed();
    }

    /// <summary>Never waits for a thread that has not begun.</summary>
    private static void RunOnPool<W>(Job<W> job, int threads) where W : struct, IWork
    {
        for (int helper = 1; helper < threads; helper++) ThreadPool.UnsafeQueueUserWorkItem(job, preferLocal: false);
        job.Execute();
        job.WaitForOthers();
    }

    private sealed class Job<W>(W work, nint units, int threads) : IThreadPoolWorkItem where W : struct, IWork
    {
        private readonly long _pieces = Math.Min(units, (long)threads * PiecesPerThread);
        private readonly object _gate = new();
        private long _taken, _finished;
        private ExceptionDispatchInfo? _failure;

        public void Execute()
        {
            for (long piece; (piece = Interlocked.Increment(ref _taken) - 1) < _pieces;)
            {
                try
                {
                    work.Do(Start(piece), Start(piece + 1));
                }
                catch (OutOfMemoryException failure) // the caller hears of it, when nobody uses its memory any more
                {
                    _failure = ExceptionDispatchInfo.Capture(failure);
                }
                if (Interlocked.Increment(ref _finished) < _pieces) continue;
                lock (_gate) Monitor.PulseAll(_gate);
            }
        }

        internal void WaitForOthers()
        {
            for (var spin = new SpinWait(); Volatile.Read(ref _finished) < _pieces && !spin.NextSpinWillYield;) spin.SpinOnce();
            lock (_gate)
            {
                while (Volatile.Read(ref _finished) < _pieces) Monitor.Wait(_gate);
            }
        }

        internal void ThrowWhatFailed() => _failure?.Throw();

        private nint Start(long piece) => (nint)(units / _pieces * piece + Math.Min(piece, units % _pieces));
    }
}
