using System.Runtime.InteropServices;
using Xunit;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Tests.Tensors;

/// <summary>Errors have the type and the words that they have in the real TorchSharp: libtorch's as ExternalException, a dead tensor's as InvalidOperationException.</summary>
public class ExceptionTests
{
    [Fact]
    public void A_disposed_tensor_is_an_invalid_operation()
    {
        using Tensor x = ones(2);
        Tensor gone = ones(2);
        gone.Dispose();
        gone.Dispose();
        Assert.True(gone.IsInvalid);
        Assert.Contains("Tensor invalid", Assert.Throws<InvalidOperationException>(() => gone.exp()).Message);
        Assert.Throws<InvalidOperationException>(() => x + gone);
        Assert.Throws<InvalidOperationException>(() => gone.shape);
        Assert.Throws<InvalidOperationException>(() => { _ = gone.bytes; });
        Assert.Throws<InvalidOperationException>(() => cat([x, gone]));
    }

    [Fact]
    public void A_dim_out_of_range() => External("Dimension out of range (expected to be in range of [-2, 1], but got 2)", () => ones(2, 3).softmax(2));

    [Fact]
    public void A_size_out_of_range() => External("Dimension out of range", () => ones(2, 3).size(-3));

    [Fact]
    public void Shapes_that_do_not_fit() => External("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)", () => ones(2, 3).mm(ones(2, 3)));

    [Fact]
    public void Sizes_that_do_not_broadcast() => External("The size of tensor a (3) must match the size of tensor b (2)", () => ones(2, 3) + ones(2, 2));

    [Fact]
    public void A_softmax_of_integers() => External("not implemented for 'Long'", () => tensor(new long[] { 1, 2 }).softmax(0));

    [Fact]
    public void Targets_that_are_not_long() =>
        External("expected scalar type Long but found Int", () => F.cross_entropy(ones(2, 3), tensor(new[] { 0, 1 })));

    [Fact]
    public void A_target_out_of_range() => External("Target 9 is out of bounds.", () => F.cross_entropy(ones(2, 3), tensor(new long[] { 0, 9 })));

    [Fact]
    public void Backward_of_what_needs_no_gradient() =>
        External("element 0 of tensors does not require grad and does not have a grad_fn", () => ones(1).backward());

    [Fact]
    public void Backward_of_many_elements_without_a_gradient() =>
        External("grad can be implicitly created only for scalar outputs", () => (ones(2, requires_grad: true) * 2).backward());

    [Fact]
    public void Backward_a_second_time_through_an_operator_of_libtorch()
    {
        using Tensor x = ones(2, requires_grad: true);
        using Tensor y = x.exp().sum();
        y.backward();
        External("Trying to backward through the graph a second time", () => y.backward());
    }

    [Fact]
    public void A_leaf_changed_in_place() =>
        External("a leaf Variable that requires grad is being used in an in-place operation", () => ones(2, requires_grad: true).add_(1));

    [Fact]
    public void A_computed_tensor_keeps_requiring_grad_and_says_nothing()
    {
        using Tensor x = ones(2, requires_grad: true);
        using Tensor y = x.exp();
        y.requires_grad_(false);
        Assert.True(y.requires_grad);
    }

    [Fact]
    public void A_saved_tensor_changed_in_place()
    {
        using Tensor x = ones(2, requires_grad: true);
        using Tensor h = x.exp();
        using Tensor y = h.sum();
        h.add_(1);
        External("has been modified by an inplace operation", () => y.backward());
    }

    [Fact]
    public void A_null_tensor_is_a_null_reference() => Assert.Throws<NullReferenceException>(() => ones(2).mm(null));

    [Fact]
    public void An_error_leaves_the_next_call_alone()
    {
        External("Dimension out of range", () => ones(2).sum(5));
        Assert.Equal(2, ones(2).sum().ToSingle());
    }

    private static void External(string message, Action action)
    {
        var e = Assert.ThrowsAny<ExternalException>(action);
        Assert.Contains(message, e.Message);
        Assert.DoesNotContain("frame #", e.Message);
    }

    private static void External(string message, Func<object> action) => External(message, () => { _ = action(); });
}
