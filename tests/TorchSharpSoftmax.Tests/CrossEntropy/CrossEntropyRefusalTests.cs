using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>What the cross-entropies refuse, by name and before any node exists; the same for both links.</summary>
public sealed class CrossEntropyRefusalTests
{
    private delegate Tensor Loss(
        Tensor input, Tensor target, Tensor? weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean, double label_smoothing = 0);

    private static readonly Loss[] s_losses = [Operators.stablemax_cross_entropy, Operators.collapse_free_cross_entropy];

    [Fact]
    public void Logits_that_are_none()
    {
        using var scope = NewDisposeScope();
        var target = tensor([0L, 1L]);
        Refuses<ArgumentException>("input", "'input' has dtype Int64; a floating dtype is required.", loss => loss(ones([2, 3], ScalarType.Int64), target));
        Refuses<ArgumentException>("input", "'input' has dtype ComplexFloat32; a floating dtype is required.", loss => loss(ones([2, 3], ScalarType.ComplexFloat32), target));
        Refuses<ArgumentException>("input", "'input' has shape []; [C], [N, C] or [N, C, ...] is required.", loss => loss(tensor(1f), tensor(0L)));
        Refuses<ArgumentNullException>("input", "'input' is null; a tensor is required.", loss => loss(null!, target));
        var disposed = ones(2, 3);
        disposed.Dispose();
        Refuses<ArgumentException>("input", "'input' has been disposed; a live tensor is required.", loss => loss(disposed, target));
        Refuses<ArgumentException>("target", "'target' has been disposed; a live tensor is required.", loss => loss(ones(2, 3), disposed));
        Refuses<ArgumentException>("weight", "'weight' has been disposed; a live tensor is required.", loss => loss(ones(2, 3), target, disposed));
        Refuses<ArgumentException>("weight", "'weight' is sparse; a dense tensor is required.", loss => loss(ones(2, 3), target, ones(3).to_sparse()));
    }

    [Fact]
    public void Targets_of_another_dtype_or_shape()
    {
        using var scope = NewDisposeScope();
        var x = ones(5, 3, 2);
        const string required = "Int64 is required for class numbers, a floating dtype for probabilities.";
        Refuses<ArgumentException>("target", $"'target' has dtype Int32; {required}", loss => loss(x, zeros([5, 2], ScalarType.Int32)));
        Refuses<ArgumentException>("target", $"'target' has dtype Byte; {required}", loss => loss(x, zeros([5, 2], ScalarType.Byte)));
        Refuses<ArgumentException>("target", $"'target' has dtype Bool; {required}", loss => loss(x, zeros([5, 3, 2], ScalarType.Bool)));
        Refuses<ArgumentException>("target", "'target' has shape [5]; [5, 2] is required.", loss => loss(x, zeros([5], ScalarType.Int64)));
        Refuses<ArgumentException>("target", "'target' has shape [5, 3, 2]; [5, 2] is required.", loss => loss(x, zeros([5, 3, 2], ScalarType.Int64)));
        Refuses<ArgumentException>("target", "'target' has shape [1]; [] is required.", loss => loss(ones(4), zeros([1], ScalarType.Int64)));
        Refuses<ArgumentException>("target", "'target' has shape [5, 2]; [5, 3, 2] is required.", loss => loss(x, zeros(5, 2)));
    }

    [Fact]
    public void Class_numbers_that_are_none()
    {
        using var scope = NewDisposeScope();
        var numbers = zeros([5, 3], ScalarType.Int64);
        numbers[4, 2] = tensor(113L);
        Refuses<ArgumentOutOfRangeException>(
            "target", "'target' is 113 at [4, 2]; 0 to 112, or ignore_index (-100), is required.", loss => loss(ones(5, 113, 3), numbers));
        Refuses<ArgumentOutOfRangeException>(
            "target", "'target' is 113 at [2, 4]; 0 to 112, or ignore_index (7), is required.", loss => loss(ones(3, 113, 5), numbers.t(), ignore_index: 7));
        Refuses<ArgumentOutOfRangeException>("target", "'target' is -1; 0 to 2, or ignore_index (-100), is required.", loss => loss(ones(3), tensor(-1L)));
        Refuses<ArgumentOutOfRangeException>(
            "target", "'target' is -9223372036854775808 at [0]; 0 to 2, or ignore_index (-100), is required.", loss => loss(ones(1, 3), tensor([long.MinValue])));
        Assert.All(s_losses, loss => loss(ones(5, 113, 3), numbers, ignore_index: 113));
    }

    [Fact]
    public void Weights_of_another_shape_or_dtype_or_with_a_gradient_that_does_not_exist()
    {
        using var scope = NewDisposeScope();
        var (x, target) = (ones(2, 3), tensor([0L, 1L]));
        Refuses<ArgumentException>("weight", "'weight' has shape [2]; [3] is required.", loss => loss(x, target, ones(2)));
        Refuses<ArgumentException>("weight", "'weight' has shape [3, 1]; [3] is required.", loss => loss(x, target, ones(3, 1)));
        Refuses<ArgumentException>("weight", "'weight' has dtype Float64; Float32 is required.", loss => loss(x, target, ones([3], ScalarType.Float64)));
        Refuses<ArgumentException>(
            "weight", "'weight' requires grad; with class numbers it has no derivative: a weight that does not require grad, or no_grad(), is required.",
            loss => loss(x, target, ones(3).requires_grad_()));
        using (no_grad())
        {
            Assert.All(s_losses, loss => loss(x, target, ones(3).requires_grad_()));
        }
    }

    [Fact]
    public void Options_outside_their_range()
    {
        using var scope = NewDisposeScope();
        var (x, target) = (ones(2, 3), tensor([0L, 1L]));
        Refuses<ArgumentOutOfRangeException>("label_smoothing", "'label_smoothing' is 1.5; 0 to 1 is required.", loss => loss(x, target, label_smoothing: 1.5));
        Refuses<ArgumentOutOfRangeException>("label_smoothing", "'label_smoothing' is -0.5; 0 to 1 is required.", loss => loss(x, target, label_smoothing: -0.5));
        Refuses<ArgumentOutOfRangeException>("label_smoothing", "'label_smoothing' is NaN; 0 to 1 is required.", loss => loss(x, target, label_smoothing: double.NaN));
        Refuses<ArgumentOutOfRangeException>("reduction", "'reduction' is 3; None, Mean or Sum is required.", loss => loss(x, target, reduction: (Reduction)3));
        Refuses<ArgumentException>(
            "ignore_index", "'ignore_index' is 2 beside probabilities; class numbers (Int64), or no ignore_index, is required.", loss => loss(x, x, ignore_index: 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => nn.StableMaxCrossEntropyLoss(label_smoothing: 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => nn.CollapseFreeCrossEntropyLoss(label_smoothing: -1));
    }

    [Fact]
    public void A_refusal_leaves_no_node_and_no_tensor_behind()
    {
        using var scope = NewDisposeScope();
        var x = ones(2, 3).requires_grad_();
        var target = tensor([0L, 3L]);
        var (nodes, tensors) = Live.Counts();
        for (int i = 0; i < 10; i++)
        {
            Assert.All(s_losses, loss => Assert.Throws<ArgumentOutOfRangeException>(() => loss(x, target)));
        }

        Assert.Equal((nodes, tensors), (Live.Nodes, Tensor.TotalCount));
    }

    private static void Refuses<TException>(string argument, string message, Func<Loss, Tensor> call) where TException : ArgumentException
    {
        foreach (var loss in s_losses)
        {
            var refusal = Assert.ThrowsAny<TException>(() => call(loss));
            Assert.Equal(argument, refusal.ParamName);
            Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
        }
    }
}
