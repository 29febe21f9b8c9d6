using System.Globalization;
using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>Bad arguments: the argument's name, what it has, what is required; an ArgumentException, before anything is done.</summary>
public sealed class RefusalTests
{
    [Theory]
    [InlineData(2, 5, "'dim' is 5; a tensor of 2 dimensions takes -2 to 1.")]
    [InlineData(2, -3, "'dim' is -3; a tensor of 2 dimensions takes -2 to 1.")]
    [InlineData(0, 1, "'dim' is 1; a tensor of 0 dimensions takes -1 to 0.")]
    [InlineData(3, long.MaxValue, "'dim' is 9223372036854775807; a tensor of 3 dimensions takes -3 to 2.")]
    public void A_dim_outside_the_tensor(int rank, long dim, string message)
    {
        using var scope = NewDisposeScope();
        var x = zeros([.. Enumerable.Repeat(2L, rank)]);
        Refuses<ArgumentOutOfRangeException>("dim", message, () => nn.functional.two_pass_softmax(x, dim));
        Refuses<ArgumentOutOfRangeException>("dim", message, () => nn.functional.two_pass_softmax_(x, dim));
        Refuses<ArgumentOutOfRangeException>("dim", message, () => nn.functional.two_pass_log_softmax(x, dim));
        Refuses<ArgumentOutOfRangeException>("dim", message, () => nn.functional.two_pass_log_softmax_(x, dim));
        Refuses<ArgumentOutOfRangeException>("dim", message, () => nn.functional.two_pass_logsumexp(x, dim));
        Refuses<ArgumentOutOfRangeException>("dim", message, () => nn.TwoPassSoftmax(dim).call(x));
        Refuses<ArgumentOutOfRangeException>("dim", message, () => nn.TwoPassLogSoftmax(dim).call(x));
    }

    [Fact]
    public void A_disposed_or_missing_tensor()
    {
        using var scope = NewDisposeScope();
        var x = zeros(2, 3);
        x.Dispose();
        Refuses<ArgumentException>("input", "'input' has been disposed; a live tensor is required.", () => nn.functional.two_pass_softmax(x));
        Refuses<ArgumentException>("input", "'input' has been disposed; a live tensor is required.", () => nn.functional.two_pass_log_softmax_(x));
        Refuses<ArgumentException>("input", "'input' has been disposed; a live tensor is required.", () => nn.functional.two_pass_logsumexp(x, 0));
        Refuses<ArgumentException>("out", "'out' has been disposed; a live tensor is required.", () => nn.functional.two_pass_softmax(zeros(2, 3), @out: x));
        Refuses<ArgumentNullException>("input", "'input' is null; a tensor is required.", () => nn.functional.two_pass_softmax(null!));
    }

    [Fact]
    public void An_algorithm_that_is_none()
    {
        using var x = zeros(2, 3);
        Refuses<ArgumentOutOfRangeException>(
            "algorithm", "'algorithm' is 7; Auto, TwoPass or ThreePass is required.", () => nn.functional.two_pass_softmax(x, algorithm: (SoftmaxAlgorithm)7));
    }

    /// <summary>libtorch takes any number for a dtype, and ends the process.</summary>
    [Fact]
    public void A_dtype_that_is_none()
    {
        using var x = zeros(2, 3);
        const ScalarType none = (ScalarType)(-1);
        const string message = "'dtype' is -1; a dtype is required.";
        Refuses<ArgumentOutOfRangeException>("dtype", message, () => nn.functional.two_pass_softmax(x, dtype: none));
        Refuses<ArgumentOutOfRangeException>("dtype", message, () => nn.functional.two_pass_log_softmax(x, dtype: none, @out: x));
        foreach (var factory in (Func<nn.Module>[])[
            () => nn.LinearCrossEntropyLoss(2, 3, dtype: none), () => nn.TopKGate(2, 3, 2, dtype: none), () => nn.DenseToSparseGate(2, 3, dtype: none),
            () => nn.ActivationDenseToSparseGate(2, 3, dtype: none), () => nn.NoisyTopKGate(2, 3, dtype: none), () => nn.ExpertChoiceGate(2, 3, dtype: none)])
        {
            Refuses<ArgumentOutOfRangeException>("dtype", message, () => factory());
        }
    }

    [Fact]
    public void An_output_of_the_wrong_shape_dtype_or_layout()
    {
        using var scope = NewDisposeScope();
        var x = zeros(2, 3);
        Refuses<ArgumentException>("out", "'out' has shape [3, 2]; [2, 3] is required.", () => nn.functional.two_pass_softmax(x, @out: zeros(3, 2)));
        Refuses<ArgumentException>("out", "'out' has shape [6]; [2, 3] is required.", () => nn.functional.two_pass_log_softmax(x, @out: zeros(6)));
        Refuses<ArgumentException>("out", "'out' has shape [2, 1]; [2] is required.", () => nn.functional.two_pass_logsumexp(x, 1, @out: zeros(2, 1)));
        Refuses<ArgumentException>("out", "'out' has shape [2]; [2, 1] is required.", () => nn.functional.two_pass_logsumexp(x, 1, true, zeros(2)));
        Refuses<ArgumentException>(
            "out", "'out' has dtype Float64; Float32 is required.", () => nn.functional.two_pass_softmax(x, @out: zeros([2, 3], ScalarType.Float64)));
        Refuses<ArgumentException>(
            "out", "'out' has dtype Float32; Float64 is required.", () => nn.functional.two_pass_softmax(x, dtype: ScalarType.Float64, @out: zeros(2, 3)));
        Refuses<ArgumentException>(
            "out",
            "'out' has stride 0 in dimension 0, several elements in one place; a tensor with an element of memory each is required.",
            () => nn.functional.two_pass_softmax(x, @out: zeros(3).expand(2, 3)));
        Refuses<ArgumentException>(
            "input",
            "'input' has stride 0 in dimension 0, several elements in one place; a tensor with an element of memory each is required.",
            () => nn.functional.two_pass_softmax_(zeros(3).expand(2, 3)));
    }

    [Fact]
    public void Log_sum_exp_of_integers_into_an_integer_output()
    {
        using var scope = NewDisposeScope();
        var (x, y) = (ones([3], ScalarType.Int64), zeros(Array.Empty<long>()));
        Refuses<ArgumentException>(
            "out", "'out' has dtype Int64; Float32 is required.", () => nn.functional.two_pass_logsumexp(x, 0, @out: zeros(Array.Empty<long>(), ScalarType.Int64)));
        nn.functional.two_pass_logsumexp(x, 0, @out: y);
        Assert.Equal(1 + Math.Log(3), y.item<float>(), 5);
    }

    [Fact]
    public void Not_an_empty_output_whatever_its_strides()
    {
        using var scope = NewDisposeScope();
        var (x, y) = (zeros(3, 0), empty_strided([3, 0], [0, 1]));
        Assert.Same(y, nn.functional.two_pass_softmax(x, @out: y));
        Assert.Same(y, nn.functional.two_pass_log_softmax_(y, 0));
    }

    [Fact]
    public void An_output_that_overlaps_the_input_without_being_it()
    {
        using var scope = NewDisposeScope();
        var memory = zeros(40);
        var x = memory.narrow(0, 0, 6).view(2, 3);
        const string message = "'out' overlaps the memory of 'input'; the input itself or memory of its own is required.";
        Refuses<ArgumentException>("out", message, () => nn.functional.two_pass_softmax(x, @out: memory.narrow(0, 3, 6).view(2, 3)));
        Refuses<ArgumentException>("out", message, () => nn.functional.two_pass_log_softmax(memory.narrow(0, 3, 6).view(2, 3), @out: x));
        var square = memory.narrow(0, 0, 9).view(3, 3);
        Refuses<ArgumentException>("out", message, () => nn.functional.two_pass_softmax(square.transpose(0, 1), @out: square));
        nn.functional.two_pass_softmax(x, @out: memory.narrow(0, 6, 6).view(2, 3)); // neighbours may touch
    }

    [Fact]
    public void Writing_where_a_gradient_would_be_needed()
    {
        using var scope = NewDisposeScope();
        var leaf = zeros(2, 3).requires_grad_();
        const string required = "is not differentiable: a tensor that does not require grad, or no_grad(), is required.";
        Refuses<ArgumentException>("input", $"'input' requires grad; two_pass_softmax_ {required}", () => nn.functional.two_pass_softmax_(leaf));
        Refuses<ArgumentException>("input", $"'input' requires grad; two_pass_log_softmax_ {required}", () => nn.functional.two_pass_log_softmax_(leaf * leaf));
        Refuses<ArgumentException>(
            "input", $"'input' requires grad; two_pass_softmax with 'out' {required}", () => nn.functional.two_pass_softmax(leaf, @out: zeros(2, 3)));
        Refuses<ArgumentException>(
            "out", $"'out' requires grad; two_pass_logsumexp with 'out' {required}",
            () => nn.functional.two_pass_logsumexp(zeros(2, 3), 1, @out: zeros(2).requires_grad_()));
    }

    [Fact]
    public void A_device_that_is_not_the_other_tensors()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2, 3), meta = empty([2, 3], ScalarType.Float32, new Device("meta"));
        static string Message(string argument, string other) => $"'{argument}' is on meta; cpu is required, where '{other}' is.";
        Refuses<ArgumentException>("out", Message("out", "input"), () => nn.functional.two_pass_softmax(x, @out: meta));
        Refuses<ArgumentException>("grad", Message("grad", "weight"), () => nn.functional.perp_projection(x, meta));
        Refuses<ArgumentException>("noise_stddev", Message("noise_stddev", "logits"), () => nn.functional.noisy_top_k_gate(x, meta, 2));
        var permutation = nn.functional.expert_permutation(zeros([2, 1], ScalarType.Int64), 2);
        Refuses<ArgumentException>("input", Message("input", "tokens"), () => permutation.permute(meta));
        using var gate = nn.TopKGate(3, 2, 1, TopKGateMode.Sigmoid, trainable: false);
        Refuses<ArgumentException>(
            "counts", Message("counts", "expert_bias"), () => gate.update_bias(empty([2], ScalarType.Int64, new Device("meta"))));
    }

    [Fact]
    public void Numbers_are_written_alike_in_every_culture()
    {
        using var scope = NewDisposeScope();
        var before = CultureInfo.CurrentCulture;
        var comma = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        comma.NumberFormat.NumberDecimalSeparator = ",";
        Tensor x = ones(2, 3), y = zeros(2, ScalarType.Int64);
        try
        {
            CultureInfo.CurrentCulture = comma;
            Refuses<ArgumentException>("label_smoothing", "'label_smoothing' is 1.5; 0 to 1 is required.", () => nn.functional.stablemax_cross_entropy(x, y, label_smoothing: 1.5));
            Refuses<ArgumentException>("strength", "'strength' is 1.5; 0 to 1 is required.", () => nn.functional.perp_grad(x, strength: 1.5));
            Refuses<ArgumentException>("eps", "'eps' is -0.5; 0 or more is required.", () => nn.functional.perp_grad(x, eps: -0.5));
            Refuses<ArgumentException>("z_loss", "'z_loss' is -0.5; 0 or more is required.", () => nn.functional.linear_cross_entropy(x, x, y, options: new() { z_loss = -0.5 }));
            Refuses<ArgumentException>("eps", "'eps' is 1.5; more than 0 and less than 1 is required.", () => LinearCrossEntropyFilter.Threshold(1.5));
            Refuses<ArgumentException>("temperature", "'temperature' is -0.5; a finite number above 0 is required.", () => nn.functional.dense_to_sparse_gate(x, -0.5));
            Refuses<ArgumentException>("threshold", "'threshold' is 1.5; 0 or more, and less than 1, is required.", () => nn.functional.dense_to_sparse_gate(x, threshold: 1.5));
            Refuses<ArgumentException>("schedule", "'schedule' goes from 1.5 to 0.5 beside", () => nn.DenseToSparseGate(2, 2, schedule: DenseToSparseSchedule.Linear(1.5, 0.5, 2), learnable_temperature: true));
            Refuses<ArgumentException>("alpha", "'alpha' is -0.5; 0 or more is required.", () => nn.functional.load_balance_loss(x, y.unsqueeze(1), -0.5));
            var leaf = ones([1], ScalarType.Float64).requires_grad_();
            string wrong = Assert.Throws<GradcheckException>(() => torch.autograd.gradcheck(t => (t * 0.5) + (t.detach() * 0.25), leaf)).Message;
            Assert.Contains("by differences and 0.5 by backward; they differ by 0.25", wrong, StringComparison.Ordinal);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void A_refusal_leaves_no_node_and_no_tensor_behind()
    {
        using var scope = NewDisposeScope();
        var x = zeros(2, 3).requires_grad_();
        var (nodes, tensors) = Live.Counts();
        for (int i = 0; i < 100; i++)
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => nn.functional.two_pass_softmax(x, 2));
        }

        Assert.Equal((nodes, tensors), (Live.Nodes, Tensor.TotalCount));
    }

    private static void Refuses<TException>(string argument, string message, Action action) where TException : ArgumentException
    {
        var refusal = Assert.ThrowsAny<TException>(action);
        Assert.Equal(argument, refusal.ParamName);
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
    }
}
