using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>What gates, losses, permutations and the layer refuse: the argument's name, what it has, what is required, before anything is done.</summary>
public sealed class RoutingRefusalTests
{
    private const double NaN = double.NaN;

    [Fact]
    public void Losses_of_what_has_none()
    {
        using var scope = NewDisposeScope();
        Tensor p = ones(2, 3, 4), i = zeros([2, 3, 2], ScalarType.Int64), integers = ones([2, 4], ScalarType.Int64), disposed = ones(2, 3);
        disposed.Dispose();
        Refuses<ArgumentNullException>("probabilities", "'probabilities' is null; a tensor is required.", () => F.load_balance_loss(null!, i));
        Refuses<ArgumentException>("probabilities", "'probabilities' has been disposed;", () => F.load_balance_loss(disposed, i));
        Refuses<ArgumentException>("probabilities", "'probabilities' has dtype Int64; a floating dtype is required.", () => F.load_balance_loss(integers, i));
        Refuses<ArgumentException>("probabilities", "'probabilities' has shape [2, 0]; [..., E] with E of 1 or more is required.", () => F.load_balance_loss(ones(2, 0), i));
        Refuses<ArgumentException>("probabilities", "'probabilities' has shape []; [..., E] with E of 1 or more is required.", () => F.load_balance_loss(tensor(1f), i));
        Refuses<ArgumentException>("probabilities", "'probabilities' is sparse; a dense tensor is required.", () => F.load_balance_loss(ones(2, 3).to_sparse(), i));
        Refuses<ArgumentException>("indices", "'indices' has shape [3, 2]; [2, 3, k] with k of 1 or more is required.", () => F.load_balance_loss(p, i[0]));
        Refuses<ArgumentException>("indices", "'indices' has dtype Int32; Int64 is required.", () => F.load_balance_loss(p, i.to_type(ScalarType.Int32)));
        Refuses<ArgumentOutOfRangeException>("indices", "'indices' has 4; 0 to 3, or -1 for a slot that is not used, is required.", () => F.load_balance_loss(p, i + 4));
        Refuses<ArgumentOutOfRangeException>("indices", "'indices' has -2; 0 to 3,", () => F.load_balance_loss(p, i - 2));
        Refuses<ArgumentException>("mask", "'mask' has dtype Float32; Bool is required.", () => F.load_balance_loss(p, i, mask: ones(2, 3)));
        Refuses<ArgumentException>("mask", "'mask' has shape [3]; [2, 3] is required.", () => F.load_balance_loss(p, i, mask: ones([3], ScalarType.Bool)));
        Refuses<ArgumentOutOfRangeException>("alpha", "'alpha' is -1; 0 or more is required.", () => F.load_balance_loss(p, i, -1));
        Refuses<ArgumentOutOfRangeException>("alpha", "'alpha' is NaN; 0 or more is required.", () => F.load_balance_loss_from_counts(ones(4), ones(4), NaN));
        Refuses<ArgumentException>(
            "probabilities", "'probabilities' has shape [3, 4]; [..., T, E] with a dimension of sequences before is required beside 'per_sequence'.",
            () => F.load_balance_loss(p[0], i[0], per_sequence: true));
        Refuses<ArgumentException>("counts", "'counts' has shape [3]; [4] is required.", () => F.load_balance_loss_from_counts(ones(3), ones(4)));
        Refuses<ArgumentNullException>(
            "num_experts", "'num_experts' is null; 'indices' and 'num_experts', or neither, is required.", () => F.importance_loss(p.narrow(2, 0, 2), 1, i));
        Refuses<ArgumentNullException>("indices", "'indices' is null;", () => F.importance_loss(p, 1, num_experts: 4));
        Refuses<ArgumentException>("indices", "'indices' has shape [2, 3, 2]; [2, 3, 4] is required.", () => F.importance_loss(p, 1, i, 4));
        Refuses<ArgumentOutOfRangeException>("indices", "'indices' has 9; 0 to 3,", () => F.importance_loss(p.narrow(2, 0, 2), 1, i + 9, 4));
        Refuses<ArgumentOutOfRangeException>("coefficient", "'coefficient' is -1;", () => F.importance_loss(p, -1));
        Refuses<ArgumentOutOfRangeException>("k", "'k' is 5; 1 to 4, the number of experts, is required.", () => F.load_loss(p, p, p, 5));
        Refuses<ArgumentException>("noisy_logits", "'noisy_logits' has shape [3, 4]; [2, 3, 4] is required.", () => F.load_loss(p, p[0], p, 2));
        Refuses<ArgumentException>("noise_stddev", "'noise_stddev' has dtype Float64; Float32 is required.", () => F.load_loss(p, p, p.to_type(ScalarType.Float64), 2));
        Refuses<ArgumentOutOfRangeException>("coefficient", "'coefficient' is Infinity;", () => F.router_z_loss(p, double.PositiveInfinity));
        Refuses<ArgumentException>("mask", "'mask' has shape [3]; [2] is required.", () => F.router_z_loss_from_lse(ones(2), mask: ones([3], ScalarType.Bool)));
        Refuses<ArgumentException>("lse", "'lse' has dtype Int64; a floating dtype is required.", () => F.router_z_loss_from_lse(integers));
    }

    [Fact]
    public void Gates_of_what_has_no_choice()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(3, 4), integers = ones([3, 4], ScalarType.Int64);
        Refuses<ArgumentException>("logits", "'logits' has dtype Int64; a floating dtype is required.", () => F.dense_to_sparse_gate(integers));
        foreach (double bad in (double[])[0, -1, NaN, double.PositiveInfinity])
        {
            Refuses<ArgumentOutOfRangeException>("temperature", $"'temperature' is {bad}; a finite number above 0 is required.", () => F.dense_to_sparse_gate(x, bad));
            Refuses<ArgumentOutOfRangeException>("temperature", $"'temperature' is {bad};", () => F.dense_to_sparse_gate(x, tensor(bad, ScalarType.Float64)));
            Refuses<ArgumentOutOfRangeException>("temperature", $"'temperature' is {bad};", () => F.activation_dense_to_sparse_gate(x, DenseToSparseActivation.Tanh, null, bad));
            Refuses<ArgumentOutOfRangeException>("temperature", $"'temperature' is {bad};", () => DenseToSparseSchedule.Constant(bad));
            Refuses<ArgumentOutOfRangeException>("start", $"'start' is {bad};", () => DenseToSparseSchedule.Linear(bad, 1, 10));
            Refuses<ArgumentOutOfRangeException>("end", $"'end' is {bad};", () => DenseToSparseSchedule.Exponential(1, bad, 10));
        }

        Refuses<ArgumentOutOfRangeException>("steps", "'steps' is 0; 1 or more is required.", () => DenseToSparseSchedule.Linear(2, 1, 0));
        Refuses<ArgumentException>("temperature", "'temperature' has shape [2]; one element is required.", () => F.dense_to_sparse_gate(x, ones(2)));
        Refuses<ArgumentOutOfRangeException>("threshold", "'threshold' is 1; 0 or more, and less than 1, is required.", () => F.dense_to_sparse_gate(x, threshold: 1));
        Refuses<ArgumentOutOfRangeException>("threshold", "'threshold' is NaN;", () => F.dense_to_sparse_gate(x, threshold: NaN));
        Refuses<ArgumentOutOfRangeException>("activation", "'activation' is 99; Tanh, Sigmoid,", () => F.activation_dense_to_sparse_gate(x, (DenseToSparseActivation)99));
        Refuses<ArgumentException>("bias", "'bias' has shape [3]; [4] is required.", () => F.activation_dense_to_sparse_gate(x, DenseToSparseActivation.Tanh, ones(3)));
        Refuses<ArgumentOutOfRangeException>("k", "'k' is 0; 1 to 4,", () => F.noisy_top_k_gate(x, null, 0));
        Refuses<ArgumentException>("noise_stddev", "'noise_stddev' has shape [4]; [3, 4] is required.", () => F.noisy_top_k_gate(x, ones(4), 2));
        Refuses<ArgumentOutOfRangeException>("capacity", "'capacity' is 0; 1 or more is required.", () => F.expert_choice_gate(x, 0));
    }

    [Fact]
    public void Modules_with_options_that_are_none()
    {
        using var scope = NewDisposeScope();
        var falling = DenseToSparseSchedule.Linear(2, 1, 10);
        Refuses<ArgumentOutOfRangeException>("in_features", "'in_features' is 0; 1 or more is required.", () => nn.DenseToSparseGate(0, 4));
        Refuses<ArgumentOutOfRangeException>("num_experts", "'num_experts' is 0; 1 or more is required.", () => nn.ActivationDenseToSparseGate(3, 0));
        Refuses<ArgumentException>(
            "schedule", "'schedule' goes from 2 to 1 beside 'learnable_temperature'; a constant one, or null, is required.",
            () => nn.ActivationDenseToSparseGate(3, 4, schedule: falling, learnable_temperature: true));
        Refuses<ArgumentException>("schedule", "'schedule' goes from 2 to 1", () => nn.DenseToSparseGate(3, 4, schedule: falling, learnable_temperature: true));
        Refuses<ArgumentOutOfRangeException>("activation", "'activation' is -1;", () => nn.ActivationDenseToSparseGate(3, 4, (DenseToSparseActivation)(-1)));
        Refuses<ArgumentOutOfRangeException>("threshold", "'threshold' is -1;", () => nn.DenseToSparseGate(3, 4, options: new() { threshold = -1 }));
        Refuses<ArgumentOutOfRangeException>(
            "evaluation", "'evaluation' is 7; Top1, Threshold or Dense is required.", () => nn.DenseToSparseGate(3, 4, options: new() { evaluation = (DenseToSparseEvaluation)7 }));
        Refuses<ArgumentOutOfRangeException>("top1_after", "'top1_after' is -1; 0 or more, or null, is required.", () => nn.DenseToSparseGate(3, 4, options: new() { top1_after = -1 }));
        Refuses<ArgumentOutOfRangeException>("k", "'k' is 5; 1 to 4,", () => nn.NoisyTopKGate(3, 4, 5));
        Refuses<ArgumentOutOfRangeException>("capacity_factor", "'capacity_factor' is 0; a finite number above 0 is required.", () => nn.ExpertChoiceGate(3, 4, 0));
        foreach (var gate in (nn.Module<Tensor, RoutingOutputs>[])[
            nn.DenseToSparseGate(3, 4), nn.ActivationDenseToSparseGate(3, 4), nn.NoisyTopKGate(3, 4), nn.ExpertChoiceGate(3, 4)])
        {
            Refuses<ArgumentException>("input", "'input' has shape [2, 5]; [..., 3] is required.", () => gate.call(ones(2, 5)));
            Refuses<ArgumentException>("input", "'input' has dtype Int64; a floating dtype is required.", () => gate.call(ones([2, 3], ScalarType.Int64)));
            gate.Dispose();
        }
    }

    [Fact]
    public void Permutations_of_what_is_none()
    {
        using var scope = NewDisposeScope();
        var indices = tensor([0L, 1, 2, 0], [2, 2]);
        Refuses<ArgumentException>("indices", "'indices' has dtype Float32; Int64 is required.", () => F.expert_permutation(ones(2, 2), 3));
        Refuses<ArgumentException>("indices", "'indices' has shape [2, 0]; [..., k] with k of 1 or more is required.", () => F.expert_permutation(zeros([2, 0], ScalarType.Int64), 3));
        Refuses<ArgumentOutOfRangeException>("indices", "'indices' has 2; 0 to 1, or -1 for a slot that is not used, is required.", () => F.expert_permutation(indices, 2));
        Refuses<ArgumentOutOfRangeException>("indices", "'indices' has -2;", () => F.expert_permutation(indices - 2, 3));
        Refuses<ArgumentOutOfRangeException>("num_experts", "'num_experts' is 0;", () => F.expert_permutation(indices, 0));
        Refuses<ArgumentOutOfRangeException>("num_experts", "'num_experts' is 8589934592; 1 to 16777216 is required.", () => F.expert_permutation(indices, 1L << 33));
        Refuses<ArgumentOutOfRangeException>("num_experts", "'num_experts' is 9223372036854775807;", () => F.importance_loss(ones(2, 2), 1, indices, long.MaxValue));
        Refuses<ArgumentException>(
            "bias", "'bias' is sparse; a dense tensor is required.", () => F.topk_gate(ones(2, 4), 2, Kernels.TopKGateMode.Sigmoid, ones(4).to_sparse()));
        Refuses<ArgumentOutOfRangeException>("capacity", "'capacity' is 0; 1 or more is required.", () => F.expert_permutation(indices, 3, 0));
        Refuses<ArgumentException>("priority", "'priority' has shape [2]; [2, 2] is required.", () => F.expert_permutation(indices, 3, 1, ones(2)));
        Refuses<ArgumentException>(
            "priority", "'priority' is given without 'capacity', where nothing is dropped; both, or neither, is required.", () => F.expert_permutation(indices, 3, null, ones(2, 2)));
        using var permutation = F.expert_permutation(indices, 3);
        Refuses<ArgumentException>("input", "'input' has shape [3, 4]; [2, D] is required.", () => permutation.permute(ones(3, 4)));
        Refuses<ArgumentException>("rows", "'rows' has shape [3, 4]; [4, D] is required.", () => permutation.unpermute(ones(3, 4)));
        Refuses<ArgumentException>("rows", "'rows' has shape [3]; [4, ...] is required.", () => permutation.split(ones(3)));
        Refuses<ArgumentException>("weights", "'weights' has shape [2]; [2, 2] is required.", () => permutation.unpermute(ones(4, 4), ones(2)));
        Refuses<ArgumentException>("weights", "'weights' has dtype Int64; a floating dtype is required.", () => permutation.unpermute(ones(4, 4), indices));
    }

    [Fact]
    public void Layers_of_what_is_no_expert()
    {
        using var scope = NewDisposeScope();
        using var gate = MoETests.Gate("top-k", ScalarType.Float32);
        nn.Module<Tensor, Tensor>[] experts = [nn.Linear(4, 2), nn.Linear(4, 2)];
        Refuses<ArgumentNullException>("gate", "'gate' is null; a gate is required.", () => nn.MoE(null!, experts));
        Refuses<ArgumentNullException>("experts", "'experts' is null; a sequence of modules is required.", () => nn.MoE(gate, null!));
        Refuses<ArgumentException>("experts", "'experts' has no module; one or more is required.", () => nn.MoE(gate, []));
        Refuses<ArgumentNullException>("experts[1]", "'experts[1]' is null; a module is required.", () => nn.MoE(gate, [experts[0], null!]));
        Refuses<ArgumentOutOfRangeException>("capacity_factor", "'capacity_factor' is -1; a finite number above 0 is required.", () => nn.MoE(gate, experts, -1));
        using var few = nn.MoE(gate, experts);
        Refuses<ArgumentOutOfRangeException>("indices", "'indices' has ", () => few.call(OperatorContract.Logits(new Random(1), [20, 4], ScalarType.Float32, 1)));
        using var dense = nn.MoE(nn.DenseToSparseGate(4, 2), experts);
        Refuses<ArgumentException>("input", "'input' has shape [2, 3]; [..., 4] is required.", () => dense.call(ones(2, 3)));
        Refuses<ArgumentException>("input", "'input' has shape []; [..., D] is required.", () => few.call(tensor(1f)));
        using var flat = nn.MoE(nn.DenseToSparseGate(4, 1), [nn.Flatten(0)]);
        Refuses<ArgumentException>("experts", "'experts[0]' gives shape [12] for 3 rows; [3, D] is required.", () => flat.call(ones(3, 4)));
        using var silentGate = nn.MoE(new Silent<RoutingOutputs>(), [nn.Linear(4, 2)]);
        Refuses<ArgumentException>("gate", "'gate' gives null; RoutingOutputs is required.", () => silentGate.call(ones(3, 4)));
        using var silentExpert = nn.MoE(nn.DenseToSparseGate(4, 1), [new Silent<Tensor>()]);
        Refuses<ArgumentException>("experts", "'experts[0]' gives null for 3 rows; [3, D] is required.", () => silentExpert.call(ones(3, 4)));
    }

    [Fact]
    public void A_permutation_that_has_been_disposed()
    {
        using var scope = NewDisposeScope();
        var permutation = F.expert_permutation(zeros([3, 2], ScalarType.Int64), 4);
        permutation.Dispose();
        Assert.Throws<ObjectDisposedException>(() => permutation.permute(ones(3, 5)));
        Assert.Throws<ObjectDisposedException>(() => permutation.unpermute(ones(6, 5)));
        Assert.Throws<ObjectDisposedException>(() => permutation.split(ones(6, 5)));
    }

    [Fact]
    public void A_refusal_leaves_no_node_and_no_tensor_behind()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(3, 4).requires_grad_(), wrong = ones(5), indices = zeros([3, 2], ScalarType.Int64), high = indices + 7;
        using var permutation = F.expert_permutation(indices, 4);
        var (nodes, tensors) = Live.Counts();
        for (int i = 0; i < 50; i++)
        {
            Assert.ThrowsAny<ArgumentException>(() => F.dense_to_sparse_gate(x, wrong));
            Assert.ThrowsAny<ArgumentException>(() => F.load_balance_loss(x, high));
            Assert.ThrowsAny<ArgumentException>(() => F.importance_loss(x, 1, indices, 4));
            Assert.ThrowsAny<ArgumentException>(() => F.expert_permutation(high, 4));
            Assert.ThrowsAny<ArgumentException>(() => permutation.permute(wrong));
            Assert.ThrowsAny<ArgumentException>(() => permutation.unpermute(wrong));
        }

        Assert.Equal((nodes, tensors), (Live.Nodes, Tensor.TotalCount));
    }

    /// <summary>A module of a user's, who forgot something.</summary>
    private sealed class Silent<T>() : nn.Module<Tensor, T>("silent")
    {
        public override T forward(Tensor input) => default!;
    }

    private static void Refuses<TException>(string argument, string message, Action action) where TException : ArgumentException
    {
        var refusal = Assert.ThrowsAny<TException>(action);
        Assert.Equal(argument, refusal.ParamName);
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
    }
}
