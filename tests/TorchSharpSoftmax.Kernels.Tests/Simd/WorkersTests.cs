using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Units of work dealt to threads.</summary>
public sealed class WorkersTests
{
    [Fact]
    public void Every_unit_is_done_once()
    {
        foreach (int units in (int[])[0, 1, 2, 3, 7, 8, 9, 100, 1001])
        {
            foreach (int threads in (int[])[0, 1, 2, 3, 8, int.MaxValue])
            {
                var times = new int[units];
                Workers.Run(new Counted(times), units, threads);
                Assert.All(times, n => Assert.Equal(1, n));
            }
        }
    }

    /// <summary>Memory that the units write to is given back by who called: nobody may be at work any more when that hears of a failure.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Memory_that_is_missing_is_told_to_the_caller_when_all_have_stopped(bool onTheCallersThread)
    {
        for (int round = 0; round < 20; round++)
        {
            using var bothAreThere = new CountdownEvent(2);
            var atWork = new StrongBox<int>();
            var work = new Failing(Environment.CurrentManagedThreadId, onTheCallersThread, bothAreThere, atWork);
            Assert.ThrowsAny<OutOfMemoryException>(() => Workers.Run(work, 2, 2));
            Assert.Equal(0, Volatile.Read(ref atWork.Value));
        }
    }

    private readonly struct Counted(int[] times) : IWork
    {
        public void Do(nint first, nint end)
        {
            for (nint unit = first; unit < end; unit++)
            {
                Interlocked.Increment(ref times[unit]);
            }
        }
    }

    /// <summary>One of two threads has no memory while the other is at work.</summary>
    private readonly struct Failing(int caller, bool onTheCallersThread, CountdownEvent bothAreThere, StrongBox<int> atWork) : IWork
    {
        public void Do(nint first, nint end)
        {
            Interlocked.Increment(ref atWork.Value);
            try
            {
                bothAreThere.Signal();
                bothAreThere.Wait(TimeSpan.FromSeconds(30));
                if (Environment.CurrentManagedThreadId == caller == onTheCallersThread)
                {
                    throw new InsufficientMemoryException();
                }

                Thread.Sleep(5);
            }
            finally
            {
                Interlocked.Decrement(ref atWork.Value);
            }
        }
    }
}
