using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>The router: its parameters, jitter, dtypes and bias; and what function and module refuse, by the text.</summary>
public sealed class TopKGateModuleTests
{
    [Fact]
    public void Its_values_are_the_functions_of_a_linear_layer_that_starts_as_every_other()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using var linear = nn.Linear(7, 12, hasBias: true);
        manual_seed(5);
        using var gate = nn.TopKGate(7, 12, 4, TopKGateMode.Sigmoid, bias: true, num_groups: 4, topk_groups: 2, scale: 2.5);
        Assert.Equal(["linear.weight", "linear.bias"], gate.named_parameters().Select(parameter => parameter.name));
        Assert.Equal(["expert_bias", "linear.bias", "linear.weight"], gate.state_dict().Keys.Order(StringComparer.Ordinal));
        var x = OperatorContract.Logits(new Random(1), [3, 5, 7], ScalarType.Float32, 1);
        var found = gate.call(x);
        var expected = nn.functional.topk_gate(linear.call(x), 4, TopKGateMode.Sigmoid, gate.expert_bias, 4, 2, 2.5);
        Assert.Equal(ElementAccess.Values(expected.weights), ElementAccess.Values(found.weights));
        Assert.Equal(TopKGateTests.Numbers(expected.indices), TopKGateTests.Numbers(found.indices));
        Assert.Equal([3, 5, 4], found.weights.shape);
        using var plain = nn.TopKGate(7, 12, 2);
        Assert.Equal(["linear.weight"], plain.state_dict().Keys);
        Assert.Null(plain.expert_bias);
    }

    [Fact]
    public void Gradients_reach_router_and_input()
    {
        using var scope = NewDisposeScope();
        using var gate = nn.TopKGate(6, 9, 2);
        var x = OperatorContract.Logits(new Random(2), [20, 6], ScalarType.Float32, 1).requires_grad_();
        var weights = gate.call(x).weights;
        (weights * TopKGateTests.Upstream(1, weights)).sum().backward();
        Assert.Contains(ElementAccess.Values(gate.linear.weight.grad!), d => d != 0);
        Assert.Contains(ElementAccess.Values(x.grad!), d => d != 0);
    }

    [Fact]
    public void Jitter_disturbs_the_router_in_training_alone_and_leaves_the_input_as_it_is()
    {
        using var scope = NewDisposeScope();
        using var gate = nn.TopKGate(6, 9, 2, jitter: 0.3);
        var x = OperatorContract.Logits(new Random(3), [40, 6], ScalarType.Float32, 1);
        double[] before = ElementAccess.Values(x), calm = ElementAccess.Values(nn.functional.topk_gate(gate.linear.call(x), 2).lse!);
        gate.train();
        manual_seed(1);
        double[] first = ElementAccess.Values(gate.call(x).lse!), second = ElementAccess.Values(gate.call(x).lse!);
        Assert.NotEqual(calm, first);
        Assert.NotEqual(first, second);
        gate.eval();
        Assert.Equal(calm, ElementAccess.Values(gate.call(x).lse!));
        Assert.Equal(before, ElementAccess.Values(x));
    }

    [Fact]
    public void Routing_is_in_float32_or_better_whatever_the_parameters_are()
    {
        using var scope = NewDisposeScope();
        foreach (var (input, parameters, routed) in ((ScalarType, ScalarType, ScalarType)[])
            [(ScalarType.BFloat16, ScalarType.BFloat16, ScalarType.Float32), (ScalarType.Float16, ScalarType.Float32, ScalarType.Float32),
             (ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float32), (ScalarType.BFloat16, ScalarType.Float64, ScalarType.Float64)])
        {
            using var gate = nn.TopKGate(6, 9, 2, dtype: parameters);
            var x = OperatorContract.Logits(new Random(4), [40, 6], ScalarType.Float32, 1).to_type(input);
            var found = gate.call(x);
            var expected = nn.functional.topk_gate(nn.functional.linear(x.to_type(routed), gate.linear.weight.to_type(routed), null), 2);
            Assert.Equal(routed, found.weights.dtype);
            Assert.Equal(ElementAccess.Values(expected.weights), ElementAccess.Values(found.weights));
            found.weights.sum().backward();
            Assert.Equal(parameters, gate.linear.weight.grad!.dtype);
        }
    }

    [Fact]
    public void The_bias_moves_against_the_load_and_balances_it()
    {
        using var scope = NewDisposeScope();
        manual_seed(5); // a router that happens to be balanced at first has little to improve
        using var gate = nn.TopKGate(4, 8, 2, TopKGateMode.Sigmoid, bias_update_rate: 0.01);
        gate.update_bias(tensor([4L, 0, 2, 2, 2, 2, 2, 2]));
        Assert.Equal([-0.01f, 0.01f, 0, 0, 0, 0, 0, 0], ElementAccess.Values(gate.expert_bias!).Select(b => (float)b));
        var x = OperatorContract.Logits(new Random(5), [400, 4], ScalarType.Float32, 1);
        double first = Spread();
        for (int step = 0; step < 200; step++)
        {
            gate.update_bias(gate.call(x).counts);
        }

        Assert.InRange(Spread(), 0, first / 3);
        Assert.False(gate.expert_bias!.requires_grad);

        double Spread()
        {
            long[] counts = TopKGateTests.Numbers(gate.call(x).counts);
            return counts.Max() - counts.Min();
        }
    }

    [Fact]
    public void The_bias_is_loaded_and_moved_with_the_module()
    {
        using var scope = NewDisposeScope();
        using var gate = nn.TopKGate(4, 8, 2, TopKGateMode.Sigmoid);
        gate.update_bias(tensor([4L, 0, 2, 2, 2, 2, 2, 2]));
        using var other = nn.TopKGate(4, 8, 2, TopKGateMode.Sigmoid);
        other.load_state_dict(gate.state_dict());
        Assert.Equal(ElementAccess.Values(gate.expert_bias!), ElementAccess.Values(other.expert_bias!));
        other.to(ScalarType.Float64);
        Assert.Equal(ScalarType.Float64, other.expert_bias!.dtype);
        Assert.Equal(ScalarType.Float64, other.call(ones(3, 4)).weights.dtype);
        other.to(ScalarType.BFloat16);
        var refusal = Assert.Throws<InvalidOperationException>(() => other.update_bias(ones(8)));
        Assert.Equal("'expert_bias' has dtype BFloat16; Float32 or Float64 is required, in which small steps are not lost.", refusal.Message);
    }

    [Fact]
    public void A_gate_that_could_not_learn_is_refused_unless_it_is_not_to()
    {
        foreach (var mode in (TopKGateMode[])[TopKGateMode.KeptSoftmax, TopKGateMode.SoftmaxRenormalized, TopKGateMode.Sigmoid])
        {
            Refuses("k", $"'k' is 1 beside mode {mode}, whose only weight is constant: the router's gradient would be 0 always;", () => nn.TopKGate(4, 8, 1, mode));
            using var frozen = nn.TopKGate(4, 8, 1, mode, trainable: false);
            Assert.All(frozen.parameters(), parameter => Assert.False(parameter.requires_grad));
        }

        using var softmax = nn.TopKGate(4, 8, 1, TopKGateMode.Softmax);
        Assert.All(softmax.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var scope = NewDisposeScope();
        var x = zeros(3, 8);
        var bias = zeros(8);
        Refuses("k", "'k' is 0; 1 to 8, the number of experts, is required.", () => nn.functional.topk_gate(x, 0));
        Refuses("k", "'k' is 9; 1 to 8, the number of experts, is required.", () => nn.functional.topk_gate(x, 9));
        Refuses("k", "'k' is 5; 1 to 4, the experts of the kept groups, is required.", () => nn.functional.topk_gate(x, 5, TopKGateMode.Sigmoid, num_groups: 2));
        Refuses("mode", "'mode' is 7; KeptSoftmax, Softmax, SoftmaxRenormalized or Sigmoid is required.", () => nn.functional.topk_gate(x, 1, (TopKGateMode)7));
        Refuses("num_groups", "'num_groups' is 3; a divisor of 8, the number of experts, is required.", () => nn.functional.topk_gate(x, 1, TopKGateMode.Sigmoid, num_groups: 3));
        Refuses("topk_groups", "'topk_groups' is 3; 1 to 2, the number of groups, is required.", () => nn.functional.topk_gate(x, 1, TopKGateMode.Sigmoid, null, 2, 3));
        Refuses("scale", "'scale' is NaN; a finite number is required.", () => nn.functional.topk_gate(x, 1, TopKGateMode.Sigmoid, scale: double.NaN));
        Refuses("scale", "'scale' is given beside mode Softmax; Sigmoid, or 1, is required.", () => nn.functional.topk_gate(x, 1, TopKGateMode.Softmax, scale: 2));
        Refuses("num_groups", "'num_groups' is given beside mode KeptSoftmax; Sigmoid, or 1, is required.", () => nn.functional.topk_gate(x, 1, num_groups: 2));
        Refuses("bias", "'bias' is given beside mode Softmax; Sigmoid, or no bias, is required.", () => nn.functional.topk_gate(x, 1, TopKGateMode.Softmax, bias));
        Refuses("bias", "'bias' has shape [7]; [8] is required.", () => nn.functional.topk_gate(x, 1, TopKGateMode.Sigmoid, zeros(7)));
        Refuses("bias", "'bias' has dtype Int64; a floating dtype is required.", () => nn.functional.topk_gate(x, 1, TopKGateMode.Sigmoid, zeros(8, ScalarType.Int64)));
        Refuses("bias", "'bias' requires grad; the choice has no derivative:", () => nn.functional.topk_gate(x, 1, TopKGateMode.Sigmoid, zeros(8).requires_grad_()));
        Refuses("logits", "'logits' has dtype Int64; a floating dtype is required.", () => nn.functional.topk_gate(zeros(3, 8, ScalarType.Int64), 1));
        Refuses("logits", "'logits' has shape []; [..., E] with E of 1 to 16777216 experts is required.", () => nn.functional.topk_gate(tensor(1f), 1));
        Refuses("logits", "'logits' has shape [3, 0]; [..., E] with E of 1 to 16777216 experts is required.", () => nn.functional.topk_gate(zeros(3, 0), 1));
        var gone = zeros(3, 8);
        gone.Dispose();
        Refuses("logits", "'logits' has been disposed; a live tensor is required.", () => nn.functional.topk_gate(gone, 1));
        Refuses("in_features", "'in_features' is 0; 1 or more is required.", () => nn.TopKGate(0, 8, 2));
        Refuses("num_experts", "'num_experts' is 0; 1 to 16777216 is required.", () => nn.TopKGate(4, 0, 2));
        Refuses("k", "'k' is 9; 1 to 8, the number of experts, is required.", () => nn.TopKGate(4, 8, 9));
        Refuses("jitter", "'jitter' is 1; 0 to less than 1 is required.", () => nn.TopKGate(4, 8, 2, jitter: 1));
        Refuses("jitter", "'jitter' is -0.1; 0 to less than 1 is required.", () => nn.TopKGate(4, 8, 2, jitter: -0.1));
        Refuses("bias_update_rate", "'bias_update_rate' is -1; 0 or more is required.", () => nn.TopKGate(4, 8, 2, TopKGateMode.Sigmoid, bias_update_rate: -1));
        using var gate = nn.TopKGate(4, 8, 2);
        Refuses("input", "'input' has shape [3, 5]; [..., 4] is required.", () => gate.call(zeros(3, 5)));
        Refuses("input", "'input' has dtype Int64; a floating dtype is required.", () => gate.call(zeros(3, 4, ScalarType.Int64)));
        var refusal = Assert.Throws<InvalidOperationException>(() => gate.update_bias(zeros(8)));
        Assert.Equal("'mode' is KeptSoftmax; Sigmoid is required, which has a bias to update.", refusal.Message);
        using var sigmoid = nn.TopKGate(4, 8, 2, TopKGateMode.Sigmoid);
        Refuses("counts", "'counts' has shape [7]; [8] is required.", () => sigmoid.update_bias(zeros(7)));
    }

    private static void Refuses(string argument, string message, Action action)
    {
        var refusal = Assert.ThrowsAny<ArgumentException>(action);
        Assert.Equal(argument, refusal.ParamName);
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
    }
}
