using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>The modules: schedules, states, what training and evaluation keep, the identity of homogeneous activations, and the warnings about it.</summary>
public sealed class DenseToSparseModuleTests
{
    private static readonly DenseToSparseOptions Dense = new() { threshold = 0 };

    /// <summary>tau dL/dtau + (W, dL/dW) / degree + (b, dL/db) = 0 for a homogeneous activation, whatever the loss; for no other.</summary>
    [Theory]
    [InlineData(DenseToSparseActivation.Identity, 1)]
    [InlineData(DenseToSparseActivation.ReLU, 1)]
    [InlineData(DenseToSparseActivation.LeakyReLU, 1)]
    [InlineData(DenseToSparseActivation.Abs, 1)]
    [InlineData(DenseToSparseActivation.Square, 2)]
    [InlineData(DenseToSparseActivation.Cube, 3)]
    [InlineData(DenseToSparseActivation.Tanh, 0)]
    [InlineData(DenseToSparseActivation.Sigmoid, 0)]
    [InlineData(DenseToSparseActivation.GELU, 0)]
    [InlineData(DenseToSparseActivation.SiLU, 0)]
    [InlineData(DenseToSparseActivation.Softplus, 0)]
    [InlineData(DenseToSparseActivation.ELU, 0)]
    [InlineData(DenseToSparseActivation.Sin, 0)]
    public void The_gradients_of_weights_and_temperature_depend_on_each_other_where_the_activation_is_homogeneous(DenseToSparseActivation activation, int degree)
    {
        using var scope = NewDisposeScope();
        using var gate = nn.ActivationDenseToSparseGate(
            3, 4, activation, schedule: DenseToSparseSchedule.Constant(0.6), learnable_temperature: true, options: Dense, dtype: ScalarType.Float64);
        var random = new Random(11);
        var parameters = gate.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        using (no_grad())
        {
            parameters["linear.weight"].copy_(OperatorContract.Logits(random, [4, 3], ScalarType.Float64, 1));
            parameters["bias"].copy_(OperatorContract.Logits(random, [4], ScalarType.Float64, 1));
        }

        var x = OperatorContract.Logits(random, [30, 3], ScalarType.Float64, 1);
        var g = OperatorContract.Logits(random, [30, 4], ScalarType.Float64, 1);
        (gate.call(x).weights * g).pow(2).sum().backward();
        double Along(string name) => (parameters[name] * parameters[name].grad!).sum().item<double>();
        double ofTemperature = parameters["temperature.log"].grad!.item<double>(); // in the logarithm: tau dL/dtau
        double sum = ofTemperature + (Along("linear.weight") / Math.Max(degree, 1)) + Along("bias");
        if (degree > 0)
        {
            Assert.Equal(0, sum, 1e-12);
            Assert.True(Math.Abs(ofTemperature) > 1e-3);
        }
        else
        {
            Assert.True(Math.Abs(sum) > 1e-3, $"{sum}");
        }
    }

    [Fact]
    public void The_linear_gate_has_the_identity_too_bias_included()
    {
        using var scope = NewDisposeScope();
        using var gate = nn.DenseToSparseGate(3, 4, schedule: DenseToSparseSchedule.Constant(2), learnable_temperature: true, options: Dense, dtype: ScalarType.Float64);
        var x = OperatorContract.Logits(new Random(12), [30, 3], ScalarType.Float64, 2);
        gate.call(x).weights.pow(3).sum().backward();
        Assert.Equal(["linear.weight", "linear.bias", "temperature.log"], gate.named_parameters().Select(entry => entry.name));
        double sum = gate.named_parameters().Sum(entry => (entry.name == "temperature.log" ? entry.parameter.grad! : entry.parameter * entry.parameter.grad!).sum().item<double>());
        Assert.Equal(0, sum, 1e-13);
    }

    [Fact]
    public void Its_logits_are_those_of_its_linear_map_with_the_temperature_of_its_step()
    {
        using var scope = NewDisposeScope();
        var schedule = DenseToSparseSchedule.Exponential(2, 0.5, 4);
        using var linear = nn.DenseToSparseGate(3, 5, schedule: schedule, options: Dense, dtype: ScalarType.Float64);
        using var tanh = nn.ActivationDenseToSparseGate(3, 5, schedule: schedule, options: Dense, dtype: ScalarType.Float64);
        var x = OperatorContract.Logits(new Random(13), [2, 6, 3], ScalarType.Float64, 1);
        double[] temperatures = [2, Math.Sqrt(2), 1, Math.Sqrt(0.5), 0.5, 0.5];
        foreach (double temperature in temperatures)
        {
            Assert.Equal(temperature, linear.temperature, 1e-15);
            RoutingLossTests.AssertSame((linear.linear.call(x) / temperature).softmax(-1), linear.call(x).weights, 1e-14);
            RoutingLossTests.AssertSame((tanh.linear.call(x).tanh() / temperature).softmax(-1), tanh.call(x).weights, 1e-14);
            linear.step();
            tanh.step();
        }
    }

    /// <summary>A logarithm in 16 bits is rounded once, as every parameter; what is made of it is not.</summary>
    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void A_learned_temperature_in_16_bits_routes_by_the_temperature_that_the_gate_shows(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        using var gate = nn.DenseToSparseGate(
            3, 4, schedule: DenseToSparseSchedule.Constant(3.3), learnable_temperature: true, options: Dense, dtype: dtype);
        var x = OperatorContract.Logits(new Random(12), [5, 3], ScalarType.Float32, 1);
        var logits = nn.functional.linear(x, gate.linear.weight!.to_type(ScalarType.Float32), gate.linear.bias!.to_type(ScalarType.Float32));
        var expected = nn.functional.dense_to_sparse_gate(logits, gate.temperature);
        var actual = gate.call(x);
        Assert.Equal(ElementAccess.Values(expected.weights), ElementAccess.Values(actual.weights), (a, b) => Math.Abs(a - b) <= 1e-6);
        actual.lse.sum().backward();
        var log = gate.named_parameters().Single(entry => entry.name == "temperature.log").parameter;
        Assert.Equal(dtype, log.grad!.dtype);
        Assert.NotEqual(0, ElementAccess.Values(log.grad!)[0]);
    }

    [Fact]
    public void Schedules_start_and_end_where_they_say()
    {
        var linear = DenseToSparseSchedule.Linear(2, 0.3, 10);
        Assert.Equal([2, 2, 1.15, 0.3, 0.3], ((long[])[-3, 0, 5, 10, 1000]).Select(linear.At), (a, b) => Math.Abs(a - b) < 1e-15);
        var exponential = DenseToSparseSchedule.Exponential(4, 1, 10);
        Assert.Equal([4, 2, 1, 1], ((long[])[0, 5, 10, long.MaxValue]).Select(exponential.At), (a, b) => Math.Abs(a - b) < 1e-15);
        Assert.Equal([0.7, 0.7], ((long[])[0, 9]).Select(DenseToSparseSchedule.Constant(0.7).At));
    }

    [Fact]
    public void Training_keeps_by_threshold_and_evaluation_the_likeliest()
    {
        using var scope = NewDisposeScope();
        using var gate = nn.DenseToSparseGate(3, 8, options: new() { threshold = 0.1, top1_after = 2 });
        var x = OperatorContract.Logits(new Random(14), [40, 3], ScalarType.Float32, 1);
        var trained = gate.call(x);
        Assert.True(trained.indices.size(1) > 1);
        Assert.Equal(ElementAccess.Values(trained.probabilities!.gt(0.1).sum()), ElementAccess.Values(trained.counts.sum()));
        gate.eval();
        var evaluated = gate.call(x);
        Assert.Equal([40, 1], evaluated.indices.shape);
        Assert.Equal(ElementAccess.Values(trained.probabilities.argmax(1)), ElementAccess.Values(evaluated.indices.squeeze(1)));
        gate.train();
        gate.step();
        Assert.True(gate.call(x).indices.size(1) > 1);
        gate.step();
        var late = gate.call(x);
        Assert.Equal([40, 1], late.indices.shape);
        late.weights.sum().backward();
        Assert.True(gate.linear.weight.grad!.abs().max().item<float>() > 0); // its probability trains on
        foreach (var (evaluation, slots) in (IEnumerable<(DenseToSparseEvaluation, long)>)[
            (DenseToSparseEvaluation.Dense, 8), (DenseToSparseEvaluation.Threshold, trained.indices.size(1)), (DenseToSparseEvaluation.Top1, 1)])
        {
            using var other = nn.DenseToSparseGate(3, 8, options: new() { threshold = 0.1, evaluation = evaluation });
            other.load_state_dict(gate.state_dict());
            other.eval();
            Assert.Equal(slots, other.call(x).indices.size(1));
        }
    }

    [Fact]
    public void Noise_is_for_training_only()
    {
        using var scope = NewDisposeScope();
        using var gate = nn.ActivationDenseToSparseGate(3, 8, options: new() { gumbel = true, threshold = 0, evaluation = DenseToSparseEvaluation.Dense });
        var x = OperatorContract.Logits(new Random(15), [40, 3], ScalarType.Float32, 1);
        Assert.NotEqual(ElementAccess.Values(gate.call(x).weights), ElementAccess.Values(gate.call(x).weights));
        gate.eval();
        Assert.Equal(ElementAccess.Values(gate.call(x).weights), ElementAccess.Values(gate.call(x).weights));
    }

    [Fact]
    public void The_schedules_step_and_the_learned_temperature_are_saved_with_the_state()
    {
        using var scope = NewDisposeScope();
        var schedule = DenseToSparseSchedule.Linear(2, 1, 10);
        using var first = nn.ActivationDenseToSparseGate(3, 4, schedule: schedule);
        using var second = nn.ActivationDenseToSparseGate(3, 4, schedule: schedule);
        Assert.Equal(["linear.weight", "bias", "temperature.steps"], first.state_dict().Keys.Order(Comparer<string>.Create(Place)));
        first.step();
        first.step();
        second.load_state_dict(first.state_dict());
        Assert.Equal((1.8, 1.8), (Math.Round(first.temperature, 12), Math.Round(second.temperature, 12)));
        first.to(ScalarType.BFloat16); // no dtype moves the step
        Assert.Equal(1.8, first.temperature, 1e-15);

        using var learned = nn.ActivationDenseToSparseGate(3, 4, schedule: DenseToSparseSchedule.Constant(0.4), learnable_temperature: true);
        Assert.Equal(0.4, learned.temperature, 1e-7);
        learned.to(ScalarType.Float64);
        Assert.All(learned.parameters(), parameter => Assert.Equal(ScalarType.Float64, parameter.dtype));
        using var optimizer = optim.SGD(learned.parameters(), 0.5);
        learned.call(OperatorContract.Logits(new Random(16), [9, 3], ScalarType.Float64, 1)).lse.sum().backward();
        optimizer.step();
        Assert.NotEqual(0.4, learned.temperature, 1e-4); // the parameter in the optimizer is the one that forward reads

        static int Place(string a, string b) => "lbt".IndexOf(a[0], StringComparison.Ordinal) - "lbt".IndexOf(b[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_gate_made_in_a_dispose_scope_outlives_it_and_disposing_it_frees_its_tensors()
    {
        long before = Live.Counts().Tensors;
        Modules.ActivationDenseToSparseGate gate;
        using (NewDisposeScope())
        {
            gate = nn.ActivationDenseToSparseGate(3, 4, learnable_temperature: true);
        }

        using (NewDisposeScope())
        {
            gate.step();
            Assert.Equal([5, 4], gate.call(ones(5, 3)).probabilities!.shape);
        }

        int parameters = gate.parameters().Count();
        gate.Dispose();
        Live.Collect();
        Assert.Equal(before + parameters, Tensor.TotalCount); // TorchSharp goes on counting the tensor that a parameter was made of
    }

    [Theory]
    [InlineData(DenseToSparseActivation.Identity, false, "which is homogeneous: the derivatives of its softmax")]
    [InlineData(DenseToSparseActivation.ReLU, false, "ActivationDenseToSparseGate has the activation ReLU")]
    [InlineData(DenseToSparseActivation.Cube, true, "ActivationDenseToSparseGate learns its temperature beside the activation Cube")]
    [InlineData(DenseToSparseActivation.Tanh, true, null)]
    [InlineData(DenseToSparseActivation.Sin, false, null)]
    public void A_homogeneous_activation_is_warned_of_once_for_each_gate(DenseToSparseActivation activation, bool learnable, string? warning)
    {
        List<string> said = Warnings(() =>
        {
            using var scope = NewDisposeScope();
            using var gate = nn.ActivationDenseToSparseGate(3, 4, activation, learnable_temperature: learnable);
            for (int i = 0; i < 3; i++)
            {
                gate.call(ones(5, 3));
                gate.step();
            }
        });
        if (warning is null)
        {
            Assert.Empty(said);
        }
        else
        {
            Assert.Contains(warning, Assert.Single(said), StringComparison.Ordinal);
            Assert.Contains(DenseToSparseActivations.Independent, said[0], StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_linear_gate_is_warned_of_only_where_it_learns_its_temperature()
    {
        Assert.Empty(Warnings(() => nn.DenseToSparseGate(3, 4).Dispose()));
        string said = Assert.Single(Warnings(() => nn.DenseToSparseGate(3, 4, learnable_temperature: true).Dispose()));
        Assert.StartsWith("DenseToSparseGate learns its temperature beside a linear map, which is homogeneous:", said, StringComparison.Ordinal);
    }

    private static List<string> Warnings(Action action)
    {
        List<string> said = [];
        void Listen(object? sender, WarnedEventArgs warned) => said.Add(warned.Message);
        Diagnostics.Warned += Listen;
        try
        {
            action();
        }
        finally
        {
            Diagnostics.Warned -= Listen;
        }

        return said;
    }
}
