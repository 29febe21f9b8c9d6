using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>The layer: its values are the weighted sum of its experts, each of which has seen its own rows only.</summary>
public sealed class MoETests
{
    private const int Experts = 5;

    public static TheoryData<string> Gates => ["top-k", "a user's", "dense", "threshold", "top-1", "noisy", "activation", "expert choice"];

    [Theory]
    [MemberData(nameof(Gates))]
    public void Its_output_and_gradients_are_those_of_every_expert_on_every_token_and_a_weighted_sum(string kind)
    {
        using var scope = NewDisposeScope();
        using var moe = Layer(kind, ScalarType.Float64);
        var random = new Random(1);
        var x = OperatorContract.Logits(random, [3, 7, 4], ScalarType.Float64, 1);
        var dy = OperatorContract.Logits(random, [3, 7, 2], ScalarType.Float64, 1);
        Tensor ours = x.detach().requires_grad_(), theirs = x.detach().requires_grad_();
        autograd.backward(moe.call(ours), dy);
        double[][] gradients = [.. moe.parameters().Select(Taken)];

        var routing = moe.gate.call(theirs);
        var spread = zeros([3, 7, Experts + 1], ScalarType.Float64).scatter_add(2, routing.indices + 1, routing.weights).narrow(2, 1, Experts);
        var every = stack(moe.experts.Select(expert => expert.call(theirs)), 2);
        var expected = (every * spread.unsqueeze(-1)).sum(2);
        autograd.backward(expected, dy);
        RoutingLossTests.AssertSame(expected, moe.call(x), 1e-13);
        RoutingLossTests.AssertSame(theirs.grad!, ours.grad!, 1e-12);
        Assert.All(moe.parameters(), (parameter, i) => Assert.Equal(Taken(parameter), gradients[i], (a, b) => Math.Abs(a - b) <= 1e-12));

        static double[] Taken(Parameter parameter)
        {
            double[] values = parameter.grad is { } grad ? ElementAccess.Values(grad) : new double[parameter.numel()];
            parameter.grad = null;
            return values;
        }
    }

    [Theory]
    [MemberData(nameof(Gates))]
    public void Experts_see_the_rows_that_chose_them_and_no_others(string kind)
    {
        using var scope = NewDisposeScope();
        using var moe = Layer(kind, ScalarType.Float32, counting: true);
        var x = OperatorContract.Logits(new Random(2), [50, 4], ScalarType.Float32, 1);
        using var outputs = moe.route(x);
        long[] counts = DenseToSparseTests.Longs(outputs.routing.counts), indices = DenseToSparseTests.Longs(outputs.routing.indices);
        Assert.Equal(counts, outputs.rows);
        Assert.Equal(indices.Count(index => index >= 0), counts.Sum());
        long k = outputs.routing.indices.size(1);
        for (int e = 0; e < Experts; e++)
        {
            var expert = (CountingExpert)moe.experts[e];
            Assert.Equal(counts[e] > 0 ? 1 : 0, expert.Calls);
            int[] tokens = [.. Enumerable.Range(0, 50).Where(t => indices.AsSpan((int)(t * k), (int)k).Contains(e))];
            Assert.Equal(tokens.SelectMany(t => ElementAccess.Values(x[t])), expert.Seen);
        }

        Assert.True(kind == "dense" || counts.Sum() < 50 * Experts);
        Assert.Equal(0, outputs.drop_rate);
    }

    [Fact]
    public void A_capacity_drops_rows_and_says_how_many()
    {
        using var scope = NewDisposeScope();
        using var dropless = Layer("top-k", ScalarType.Float64);
        using var limited = nn.MoE(dropless.gate, dropless.experts, capacity_factor: 0.5);
        var x = OperatorContract.Logits(new Random(3), [60, 4], ScalarType.Float64, 1);
        using var outputs = limited.route(x);
        Assert.All(outputs.rows, rows => Assert.InRange(rows, 0, 12)); // 0.5 * 120 / 5
        Assert.Equal(1 - (outputs.rows.Sum() / 120.0), outputs.drop_rate, 1e-15);
        Assert.InRange(outputs.drop_rate, 0.5, 0.9);
        Assert.Equal(outputs.drop_rate, limited.drop_rate);
        using var all = nn.MoE(dropless.gate, dropless.experts, capacity_factor: Experts);
        using var more = nn.MoE(dropless.gate, dropless.experts, capacity_factor: double.MaxValue);
        foreach (var enough in (Modules.MoE[])[all, more])
        {
            RoutingLossTests.AssertSame(dropless.call(x), enough.call(x), 0);
            Assert.Equal(0, enough.drop_rate);
        }
    }

    [Fact]
    public void It_stands_in_the_place_of_a_feed_forward_block_and_its_state_is_saved()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        using var model = nn.Sequential(nn.Linear(6, 4), Layer("activation", ScalarType.Float32), nn.Linear(2, 3));
        var x = OperatorContract.Logits(new Random(4), [2, 9, 6], ScalarType.Float32, 1);
        Assert.Equal([2, 9, 3], model.call(x).shape);
        string[] keys = [.. model.state_dict().Keys];
        Assert.Contains("1.gate.linear.weight", keys);
        Assert.Contains("1.gate.temperature.steps", keys);
        Assert.Contains("1.experts.4.0.weight", keys);
        Assert.Equal(4 * Experts, keys.Count(key => key.StartsWith("1.experts.", StringComparison.Ordinal)));
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        model.save(writer);
        stream.Position = 0;
        using var other = nn.Sequential(nn.Linear(6, 4), Layer("activation", ScalarType.Float32), nn.Linear(2, 3));
        using var reader = new BinaryReader(stream);
        other.load(reader);
        Assert.Equal(ElementAccess.Values(model.call(x)), ElementAccess.Values(other.call(x)));
        model.to(ScalarType.Float64);
        Assert.Equal(ScalarType.Float64, model.call(x.to_type(ScalarType.Float64)).dtype);
    }

    [Fact]
    public void Tokens_of_16_bits_go_through_experts_of_16_bits_and_are_routed_in_32()
    {
        using var scope = NewDisposeScope();
        using var gate = new TopKRouter(nn.Linear(4, Experts), 2);
        using var moe = nn.MoE(gate, Enumerable.Range(0, Experts).Select(e => new Scaling(e + 1)));
        var x = OperatorContract.Logits(new Random(5), [20, 4], ScalarType.BFloat16, 1);
        using var outputs = moe.route(x);
        Assert.Equal((ScalarType.BFloat16, ScalarType.Float32), (outputs.output.dtype, outputs.routing.weights.dtype));
        var factor = (outputs.routing.weights * (outputs.routing.indices + 1).to_type(ScalarType.Float32)).sum(1, keepdim: true);
        var exact = x.to_type(ScalarType.Float32) * factor;
        Assert.Equal(ElementAccess.Values(exact), ElementAccess.Values(outputs.output), (a, b) => Math.Abs(a - b) <= Math.Abs(a) * Close.Epsilon(ScalarType.BFloat16) * 2);
    }

    [Fact]
    public void One_token_and_no_token_are_no_error()
    {
        using var scope = NewDisposeScope();
        using var moe = Layer("top-k", ScalarType.Float32);
        Assert.Equal([2], moe.call(ones(4)).shape);
        Assert.Equal([1, 2], moe.call(ones(1, 4)).shape);
        Assert.Equal([3, 0, 2], moe.call(zeros(3, 0, 4)).shape);
    }

    [Fact]
    public void An_expert_without_rows_gets_no_gradient_and_NaN_stays_with_its_token()
    {
        using var scope = NewDisposeScope();
        using var moe = Layer("top-1", ScalarType.Float64);
        var one = OperatorContract.Logits(new Random(6), [1, 4], ScalarType.Float64, 1);
        using var outputs = moe.route(one);
        outputs.output.sum().backward();
        Assert.Equal(1, outputs.rows.Sum());
        Assert.All(outputs.rows, (rows, e) => Assert.Equal(rows > 0, moe.experts[e].parameters().First().grad is not null));

        var x = OperatorContract.Logits(new Random(7), [8, 4], ScalarType.Float64, 1);
        var clean = moe.call(x);
        x[3, 1] = tensor(double.NaN);
        var y = moe.call(x);
        for (int t = 0; t < 8; t++)
        {
            Assert.Equal(t == 3 ? [double.NaN, double.NaN] : ElementAccess.Values(clean[t]), ElementAccess.Values(y[t]));
        }
    }

    [Fact]
    public void Training_with_a_balance_loss_learns_and_balances()
    {
        using var scope = NewDisposeScope();
        manual_seed(8);
        using var moe = Layer("top-k", ScalarType.Float32);
        var x = OperatorContract.Logits(new Random(8), [256, 4], ScalarType.Float32, 1);
        var target = where(x.narrow(1, 0, 1).gt(0), x.narrow(1, 1, 2), x.narrow(1, 2, 2) * 2);
        using var optimizer = optim.Adam(moe.parameters(), 0.01);
        float first = 0, last = 0;
        for (int i = 0; i < 150; i++)
        {
            using var inner = NewDisposeScope();
            optimizer.zero_grad();
            var outputs = moe.route(x);
            var task = (outputs.output - target).pow(2).mean();
            var balance = F.load_balance_loss_from_counts(outputs.routing.counts, outputs.routing.mean_probability, 0.1);
            (task + balance + F.router_z_loss_from_lse(outputs.routing.lse)).backward();
            optimizer.step();
            last = task.item<float>();
            first = i == 0 ? last : first;
        }

        Assert.True(last < first / 4, $"{first} to {last}");
        using var end = moe.route(x);
        Assert.All(end.rows, rows => Assert.InRange(rows, 20, 250));
    }

    [Fact]
    public void Only_the_output_stays_in_the_callers_dispose_scope()
    {
        using var outer = NewDisposeScope();
        using var moe = Layer("noisy", ScalarType.Float32);
        var x = OperatorContract.Logits(new Random(9), [8, 4], ScalarType.Float32, 1);
        using (no_grad())
        {
            long before = Live.Counts().Tensors;
            using var scope = NewDisposeScope();
            var y = moe.call(x);
            Assert.True(scope.Contains(y));
            Assert.Equal((1, before + 1), (scope.DisposablesCount, Tensor.TotalCount));
            var outputs = moe.route(x);
            Assert.Equal(1 + 1 + 7, scope.DisposablesCount); // the gate is in evaluation: logits, and no noise
            outputs.Dispose();
            Assert.Equal(before + 1, Tensor.TotalCount);
        }
    }

    internal static nn.Module<Tensor, RoutingOutputs> Gate(string kind, ScalarType dtype)
    {
        manual_seed(42);
        switch (kind)
        {
            case "top-k":
                return nn.TopKGate(4, Experts, 2, dtype: dtype);
            case "a user's":
                return new TopKRouter(nn.Linear(4, Experts, dtype: dtype), 2);
            case "noisy":
                var noisy = nn.NoisyTopKGate(4, Experts, 2, dtype: dtype);
                noisy.eval();
                using (no_grad())
                {
                    nn.init.normal_(noisy.linear.weight);
                }

                return noisy;
            case "activation":
                return nn.ActivationDenseToSparseGate(4, Experts, options: new() { threshold = 0.2 }, dtype: dtype);
            case "expert choice":
                return nn.ExpertChoiceGate(4, Experts, 1.5, dtype: dtype);
            default:
                var gate = nn.DenseToSparseGate(
                    4, Experts, schedule: DenseToSparseSchedule.Constant(0.5), options: new() { threshold = kind == "threshold" ? 0.2 : 0 }, dtype: dtype);
                if (kind == "top-1")
                {
                    gate.eval();
                }

                return gate;
        }
    }

    private static Modules.MoE Layer(string kind, ScalarType dtype, bool counting = false) => nn.MoE(
        Gate(kind, dtype),
        Enumerable.Range(0, Experts).Select<int, nn.Module<Tensor, Tensor>>(_ => counting
            ? new CountingExpert()
            : nn.Sequential(nn.Linear(4, 6, dtype: dtype), nn.Tanh(), nn.Linear(6, 2, dtype: dtype))));

    /// <summary>A linear map and the softmax over its k largest logits: a gate as a user may write one.</summary>
    private sealed class TopKRouter : nn.Module<Tensor, RoutingOutputs>
    {
        private readonly Linear linear;
        private readonly long _k;

        internal TopKRouter(Linear linear, long k) : base(nameof(TopKRouter))
        {
            (this.linear, _k) = (linear, k);
            RegisterComponents();
        }

        public override RoutingOutputs forward(Tensor input)
        {
            using var logits = RoutingMath.Linear(input, linear.weight, linear.bias);
            return F.noisy_top_k_gate(logits, null, _k);
        }
    }

    private sealed class CountingExpert() : nn.Module<Tensor, Tensor>(nameof(CountingExpert))
    {
        internal int Calls { get; private set; }

        internal double[] Seen { get; private set; } = [];

        public override Tensor forward(Tensor input)
        {
            Calls++;
            Seen = [.. Seen, .. ElementAccess.Values(input)];
            return input * 2;
        }
    }

    private sealed class Scaling(int factor) : nn.Module<Tensor, Tensor>(nameof(Scaling))
    {
        public override Tensor forward(Tensor input) => input * factor;
    }
}
