using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>Threads with graphs of their own, and threads that share a leaf, get the values of one thread.</summary>
public sealed class ConcurrencyTests
{
    private const int Threads = 4, Rounds = 300;

    [Fact]
    public void Four_threads_with_graphs_of_their_own_get_the_values_of_one()
    {
        using var scope = NewDisposeScope();
        var inputs = Enumerable.Range(0, Threads).Select(i => OperatorContract.Logits(new Random(i), [7, 130], ScalarType.Float32, 2)).ToArray();
        var expected = inputs.Select(Step).ToArray();
        InThreads(thread =>
        {
            for (int i = 0; i < Rounds; i++)
            {
                Assert.Equal(expected[thread], Step(inputs[thread]));
            }
        });
    }

    /// <summary>Where libtorch brings an OpenMP runtime; elsewhere, and beside kernels alone, the .NET pool's threads serve.</summary>
    [Fact]
    public void Kernels_work_on_libtorchs_threads()
    {
        Assert.True(OpenMp.IsLoaded || !OperatingSystem.IsLinux());
        InThreads(_ =>
        {
            foreach (int threads in new[] { 2, 3, int.MaxValue })
            {
                var times = new int[1001];
                Workers.Run(new Counted(times), times.Length, threads);
                Assert.All(times, n => Assert.Equal(1, n));
            }
        });
    }

    [Fact]
    public void A_backward_on_another_thread_than_its_forward_is_right()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(1), [7, 130], ScalarType.Float32, 2);
        var expected = Step(x);
        var leaf = x.detach().requires_grad_();
        var y = nn.functional.two_pass_log_softmax(leaf);
        var loss = (y * y).sum();
        InThreads(thread =>
        {
            if (thread == 0)
            {
                loss.backward();
            }
        });
        Assert.Equal(expected, ElementAccess.Values(leaf.grad!));
    }

    [Fact]
    [BestWidthOnly]
    public void Reasons_of_failed_backward_passes_stay_with_their_threads()
    {
        InThreads(thread =>
        {
            using var scope = NewDisposeScope();
            var x = ones(thread + 2).requires_grad_();
            for (int i = 0; i < Rounds; i++)
            {
                bool fails = thread % 2 == 0;
                var y = FailingFunction.Apply(x, fails ? FailingFunction.Mode.Throws : FailingFunction.Mode.ReturnsDisposed);
                Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => y.sum().backward());
                Assert.IsType(fails ? typeof(NotSupportedException) : typeof(InvalidOperationException), Diagnostics.TakeBackwardError());
            }
        });
    }

    private static double[] Step(Tensor x)
    {
        using var scope = NewDisposeScope();
        var leaf = x.detach().requires_grad_();
        var y = nn.functional.two_pass_log_softmax(leaf);
        (y * y).sum().backward();
        return ElementAccess.Values(leaf.grad!);
    }

    private static void InThreads(Action<int> body)
    {
        var failures = new System.Collections.Concurrent.ConcurrentQueue<Exception>();
        var threads = Enumerable.Range(0, Threads).Select(i => new Thread(() =>
        {
            try
            {
                body(i);
            }
            catch (Exception failure)
            {
                failures.Enqueue(failure);
            }
        })).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Empty(failures);
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
}
