using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp.Tests.Children;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace TorchSharp.Tests.Autograd;

/// <summary>
/// What the real TorchSharp punishes, the stand-in punishes in strict mode: each test runs a function that breaks one rule, in a
/// process of its own, and sees it end as it would end there. The scenario's `survived` says that the process outlived it.
/// </summary>
public class StrictModeTests
{
    private const int Aborted = 134;

    // Rule 1: no exception leaves backward, none forward.
    [Fact]
    public void An_exception_in_backward_ends_the_process() =>
        Ends(Aborted, "no gradient today", () => BackwardThrough(ThrowsInBackward.Run));

    [Fact]
    public void So_does_an_error_of_libtorch_in_backward() =>
        Ends(Aborted, "Dimension out of range", () => BackwardThrough(PassesOnAnErrorOfLibtorch.Run));

    [Fact]
    public void So_does_a_wrong_number_of_gradients() =>
        Ends(Aborted, "incorrect number of gradients (expected 2)", () => BackwardThrough(GivesTooFewGradients.Run));

    [Fact]
    public void So_does_the_unpacking_of_a_saved_tensor_that_was_changed_in_place() =>
        Ends(Aborted, "has been modified by an inplace operation", UnpackAfterAChange);

    [Fact]
    public void A_gradient_that_the_engine_refuses_is_the_way_out() =>
        Ends(0, "caught ExternalException, survived", () => BackwardThrough(Poisons.Run));

    [Fact]
    public void An_exception_in_forward_leaves_its_node_behind_for_ever() => Ends(0, "101 nodes are left", ThrowInForward);

    // Rule 2: no materialized gradients.
    [Fact]
    public void A_gradient_to_be_materialized_after_the_callers_scope_has_ended_ends_the_process() =>
        Ends(Aborted, "Tensor invalid -- empty handle", () => UnusedOutput(materialize: true));

    [Fact]
    public void Without_materialized_gradients_it_does_not() => Ends(0, "survived", () => UnusedOutput(materialize: false));

    // Rule 3: outputs and gradients are held until the engine has read them; nothing saved holds its own node.
    [Fact]
    public void An_output_that_nobody_holds_is_read_after_its_end() =>
        Ends(Aborted, "a tensor was used after it had been disposed or finalized", () => BackwardThrough(ForgetsItsOutput.Run));

    [Fact]
    public void A_gradient_that_nobody_holds_is_read_after_its_end() =>
        Ends(Aborted, "a tensor was used after it had been disposed or finalized", () => BackwardThrough(ForgetsItsGradient.Run));

    [Fact]
    public void A_saved_raw_output_keeps_its_node_for_ever() => Ends(0, "20 nodes are left", SaveRawOutputs);

    // Rule 4: gradients may be expanded; memory lives as long as its tensor.
    [Fact]
    public void The_bytes_of_an_expanded_gradient_end_the_process() =>
        Ends(Aborted, "Bytes() called on non-contiguous tensor.", () => BackwardThrough(ReadsAnExpandedGradientAsItIs.Run));

    [Fact]
    public void Memory_whose_tensor_is_not_kept_alive_is_gone()
    {
        ChildResult child = ChildProcess.Run(ReadWithoutKeepAlive, ("TORCHSHARP_STANDIN_STRICT", "1"));
        Assert.True(child.ExitCode is Aborted or 139, child.ToString());
        Assert.DoesNotContain("survived", child.Output);
    }

    [Fact]
    public void Memory_whose_tensor_is_kept_alive_is_there() => Ends(0, "survived", ReadWithKeepAlive);

    // Rule 5: no apply without need.
    [Fact]
    public void Apply_without_need_costs_a_node_and_a_kilobyte() => Ends(ChildProcess.ScenarioThrew, "more than the 1000 allowed", ApplyWithoutNeed);

    // Rule 6: a second derivative is composed or a function of its own.
    [Fact]
    public void A_backward_over_raw_memory_ends_the_graph() =>
        Ends(ChildProcess.ScenarioThrew, "does not require grad and does not have a grad_fn", () => SecondDerivative(CleanSquare.Run));

    [Fact]
    public void A_backward_that_is_a_function_does_not() => Ends(0, "survived", () => SecondDerivative(x => Cube.apply(x)));

    // Rule 7: no gradient of a scope that ends in backward.
    [Fact]
    public void A_gradient_of_a_scope_that_ends_in_backward_is_no_gradient() =>
        Ends(0, "the gradient is null, survived", () => BackwardThrough(ReturnsAGradientOfItsScope.Run));

    [Fact]
    public void A_gradient_moved_out_of_it_is_one() =>
        Ends(0, "the gradient is 2, survived", () => BackwardThrough(ReturnsAGradientMovedOutOfItsScope.Run));

    // Rule 8: sizes one by one; bytes of less than two gigabytes.
    [Fact]
    public void Shape_allocates_where_size_does_not() => Ends(ChildProcess.ScenarioThrew, "more than the 0 allowed", ReadShapes);

    [Fact]
    public void The_bytes_of_three_gigabytes_are_refused() =>
        Ends(ChildProcess.ScenarioThrew, "Span only supports up to int.MaxValue elements.", ReadThreeGigabytes);

    // Rule 9: a reference to the oldest supported version.
    [Fact]
    public void A_reference_to_a_newer_version_does_not_load() =>
        Ends(ChildProcess.ScenarioThrew, "FileNotFoundException|FileLoadException", LoadANewerVersion);

    // Rule 10: torch.autograd.grad on an error, and what PyTorch would refuse.
    [Fact]
    public void An_error_under_autograd_grad_ends_the_process() =>
        Ends(Aborted, "terminate called after throwing an instance of 'c10::Error'", GradOfAConstant);

    [Fact]
    public void Even_a_refused_gradient_does_so_under_autograd_grad() =>
        Ends(Aborted, "terminate called after throwing an instance of 'c10::Error'", GradThroughPoison);

    [Fact]
    public void A_second_backward_without_retain_graph_adds_up_silently() => Ends(0, "the gradient is 4, survived", BackwardTwice);

    private static void Ends(int exitCode, string message, Action scenario)
    {
        ChildResult child = ChildProcess.Run(scenario, ("TORCHSHARP_STANDIN_STRICT", "1"));
        Assert.True(child.ExitCode == exitCode, $"exit code {exitCode} expected: {child}");
        Assert.True(message.Split('|').Any((child.Output + child.Error).Contains), $"'{message}' expected: {child}");
        if (exitCode == Aborted)
        {
            Assert.DoesNotContain("survived", child.Output);
            Assert.DoesNotContain("caught", child.Output);
        }
    }

    private static Tensor Leaf() => ones(64, dtype: ScalarType.Float64, requires_grad: true);

    private static void BackwardThrough(Func<Tensor, Tensor> function)
    {
        using Tensor x = Leaf();
        try
        {
            using Tensor y = function(x);
            using Tensor loss = y.sum();
            loss.backward();
            Tensor gradient = x.grad;
            Console.Write($"the gradient is {(gradient is null ? "null" : gradient[0].ToDouble())}, ");
        }
        catch (Exception e)
        {
            Console.Write($"caught {e.GetType().Name}, ");
        }

        Console.WriteLine("survived");
    }

    private static void UnpackAfterAChange()
    {
        using Tensor x = Leaf();
        using Tensor h = x * 1;
        using Tensor y = UnpacksWhatWasChanged.Run(h);
        h.add_(1);
        y.sum().backward();
        Console.WriteLine("survived");
    }

    private static void ThrowInForward()
    {
        using Tensor x = Leaf();
        for (int i = 0; i < 101; i++)
        {
            Assert.Throws<ArgumentException>(() => ThrowsInForward.Run(x));
        }

        Console.WriteLine($"{Counts.Now().Nodes} nodes are left");
    }

    private static void SaveRawOutputs()
    {
        using Tensor x = Leaf();
        for (int i = 0; i < 20; i++)
        {
            SavesItsRawOutput.Run(x).Dispose();
        }

        Console.WriteLine($"{Counts.Now().Nodes} nodes are left");
    }

    private static void UnusedOutput(bool materialize)
    {
        using Tensor x = Leaf();
        List<Tensor> y;
        using (NewDisposeScope())
        {
            y = TwiceAndThrice.apply(x, materialize);
            y.ForEach(t => t.MoveToOuterDisposeScope());
        }

        y[0].sum().backward();
        Console.WriteLine("survived");
    }

    private static void ReadWithoutKeepAlive()
    {
        ref byte first = ref BytesOfNobody();
        Counts.Now();
        Console.WriteLine($"{first}, survived");
    }

    private static void ReadWithKeepAlive()
    {
        using Tensor t = ones(64 << 20, dtype: ScalarType.Byte);
        ref byte first = ref MemoryMarshal.GetReference(t.bytes);
        Counts.Now();
        Console.WriteLine($"{first}, survived");
    }

    // 64 MiB: so large a block goes back to the system at once.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ref byte BytesOfNobody() => ref MemoryMarshal.GetReference(ones(64 << 20, dtype: ScalarType.Byte).bytes);

    private static void ApplyWithoutNeed()
    {
        using Tensor x = Leaf();
        using IDisposable off = no_grad();
        AllocatesAtMost(1000, () => ForgetsItsGradient.Run(x).Dispose());
    }

    private static void ReadShapes()
    {
        using Tensor x = Leaf();
        long sum = 0;
        AllocatesAtMost(0, () => sum += x.size(0) + x.stride(0) + x.ndim + x.numel());
        Console.WriteLine("size(i) passes");
        AllocatesAtMost(0, () => sum += x.shape[0]);
    }

    private static void AllocatesAtMost(long limit, Action action)
    {
        action();
        long before = GC.GetAllocatedBytesForCurrentThread();
        action();
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        if (bytes > limit)
        {
            throw new InvalidOperationException($"{bytes} bytes were allocated, more than the {limit} allowed.");
        }
    }

    private static void ReadThreeGigabytes()
    {
        using Tensor t = empty(3L << 30, dtype: ScalarType.Byte);
        _ = t.bytes;
    }

    private static void LoadANewerVersion() => Assembly.Load("TorchSharp, Version=999.0.0.0, Culture=neutral, PublicKeyToken=67b0e5e1da516a1c");

    private static void SecondDerivative(Func<Tensor, Tensor> function)
    {
        using Tensor x = Leaf();
        using Tensor y = function(x);
        Tensor dx = grad([y.sum()], [x], create_graph: true)[0];
        dx.sum().backward();
        Console.WriteLine("survived");
    }

    private static void GradOfAConstant()
    {
        using Tensor x = Leaf();
        using Tensor constant = ones(1);
        try
        {
            grad([constant], [x]);
        }
        catch (ExternalException)
        {
            Console.WriteLine("caught");
        }
    }

    private static void GradThroughPoison()
    {
        using Tensor x = Leaf();
        using Tensor y = Poisons.Run(x);
        try
        {
            grad([y.sum()], [x]);
        }
        catch (ExternalException)
        {
            Console.WriteLine("caught");
        }
    }

    private static void BackwardTwice()
    {
        using Tensor x = Leaf();
        using Tensor y = CleanScale.Run(x, 2, 2);
        using Tensor upstream = ones_like(y);
        backward(y, [upstream]);
        backward(y, [upstream]);
        Console.WriteLine($"the gradient is {x.grad[0].ToDouble()}, survived");
    }
}
