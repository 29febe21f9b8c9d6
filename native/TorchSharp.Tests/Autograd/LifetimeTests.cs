using TorchSharp.Tests.Children;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.Autograd;

/// <summary>Nothing grows, and nothing is freed too early. In processes of their own: other tests' tensors must not count.</summary>
public class LifetimeTests
{
    [Fact]
    public void Fifty_thousand_steps_beside_a_thread_that_collects_leave_memory_tensors_and_nodes_as_they_were() =>
        Passes(ChildProcess.Run(FiftyThousandSteps));

    [Fact]
    public void A_function_that_keeps_the_rules_passes_strict_mode() =>
        Passes(ChildProcess.Run(AFewSteps, ("TORCHSHARP_STANDIN_STRICT", "1")));

    [Fact]
    public void A_step_in_a_dispose_scope_leaves_nothing_either() => Passes(ChildProcess.Run(StepsInScopes));

    [Fact]
    public void Tensors_that_nobody_disposes_are_collected() => Passes(ChildProcess.Run(UndisposedTensors));

    private static void Passes(ChildResult child) => Assert.True(child.ExitCode == 0, child.ToString());

    private static void FiftyThousandSteps()
    {
        bool done = false;
        var collector = new Thread(() =>
        {
            while (!Volatile.Read(ref done))
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                Thread.Sleep(1);
            }
        });
        collector.Start();
        using Tensor x = ones(256, dtype: ScalarType.Float64, requires_grad: true);
        Counts early = default;
        for (int i = 1; i <= 50_000; i++)
        {
            Step(x);
            if (i == 5_000)
            {
                early = Counts.Now();
            }
        }

        Counts late = Counts.Now();
        Volatile.Write(ref done, true);
        collector.Join();
        Console.WriteLine($"after 5,000: {early}; after 50,000: {late}");
        Assert.Equal(early.Tensors, late.Tensors);
        Assert.Equal(early.Nodes, late.Nodes);
        Assert.InRange(late.ResidentBytes - early.ResidentBytes, long.MinValue, 8 << 20);
    }

    private static void AFewSteps()
    {
        using Tensor x = ones(256, dtype: ScalarType.Float64, requires_grad: true);
        for (int i = 0; i < 200; i++)
        {
            Step(x);
        }

        Assert.Equal(0, Counts.Now().Nodes);
    }

    private static void StepsInScopes()
    {
        using Tensor x = ones(256, dtype: ScalarType.Float64, requires_grad: true);
        long tensors = Tensor.TotalCount;
        for (int i = 0; i < 1_000; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor y = CleanSquare.Run(x) * 0.5;
            (y + y).sum().backward();
            x.grad = null;
        }

        Parked.Release();
        Assert.Equal(tensors, Tensor.TotalCount);
        Assert.Equal(0, autograd.Node.AliveCount);
    }

    private static void UndisposedTensors()
    {
        using Tensor x = ones(256, dtype: ScalarType.Float64, requires_grad: true);
        Counts before = Counts.Now();
        for (int i = 0; i < 1_000; i++)
        {
            (CleanSquare.Run(x) * 0.5).sum().backward();
            x.grad = null;
        }

        Parked.Release();
        Counts after = Counts.Now();
        Assert.Equal(before.Tensors, after.Tensors);
        Assert.Equal(before.Nodes, after.Nodes);
    }

    private static void Step(Tensor x)
    {
        using Tensor y = CleanSquare.Run(x);
        using Tensor loss = y.sum();
        loss.backward();
        using (Tensor gradient = x.grad)
        {
            Assert.Equal(2, gradient[0].ToDouble());
        }

        x.grad = null;
    }
}

/// <summary>What is alive once everything collectable has been collected.</summary>
internal readonly record struct Counts(long Tensors, int Nodes, long ResidentBytes)
{
    public static Counts Now()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        // Gives the free part of the managed heap back: what is resident is then in use.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return new(Tensor.TotalCount, autograd.Node.AliveCount, Environment.WorkingSet);
    }
}
