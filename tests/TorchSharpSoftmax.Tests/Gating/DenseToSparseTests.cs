using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>The functions: softmax with temperature in float64, its derivatives, its limits, and what is kept of it.</summary>
public sealed class DenseToSparseTests
{
    [Theory]
    [InlineData(0.1)]
    [InlineData(1)]
    [InlineData(7.5)]
    public void All_outputs_and_gradients_are_those_of_a_composed_softmax(double temperature)
    {
        using var scope = NewDisposeScope();
        var random = new Random(1);
        var x = OperatorContract.Logits(random, [2, 5, 6], ScalarType.Float64, 2);
        Tensor dw = OperatorContract.Logits(random, [2, 5, 6], ScalarType.Float64, 1), dl = OperatorContract.Logits(random, [2, 5], ScalarType.Float64, 1),
            dm = OperatorContract.Logits(random, [6], ScalarType.Float64, 1);
        Tensor[] ours = [x.detach().requires_grad_(), tensor(temperature, ScalarType.Float64).requires_grad_()];
        Tensor[] theirs = [x.detach().requires_grad_(), tensor(temperature, ScalarType.Float64).requires_grad_()];
        var routing = F.dense_to_sparse_gate(ours[0], ours[1]);
        var z = theirs[0] / theirs[1];
        var p = z.softmax(-1);
        RoutingLossTests.AssertSame(p, routing.weights, 1e-14);
        RoutingLossTests.AssertSame(p, routing.probabilities!, 1e-14);
        RoutingLossTests.AssertSame(z.logsumexp(-1), routing.lse, 1e-14);
        RoutingLossTests.AssertSame(p.mean([0, 1]), routing.mean_probability, 1e-14);
        Assert.All(Longs(routing.counts), count => Assert.Equal(10, count));
        Assert.Equal([0, 1, 2, 3, 4, 5], Longs(routing.indices[1, 2]));
        ((routing.weights * dw).sum() + (routing.lse * dl).sum() + (routing.mean_probability * dm).sum()).backward();
        ((p * dw).sum() + (z.logsumexp(-1) * dl).sum() + (p.mean([0, 1]) * dm).sum()).backward();
        RoutingLossTests.AssertSame(theirs[0].grad!, ours[0].grad!, 1e-12);
        RoutingLossTests.AssertSame(theirs[1].grad!, ours[1].grad!, 1e-12);

        var constant = F.dense_to_sparse_gate(x, temperature);
        Assert.Equal(ElementAccess.Values(routing.weights), ElementAccess.Values(constant.weights), (a, b) => Math.Abs(a - b) <= 1e-15);
    }

    /// <summary>dtau = -sum(dz z) / tau, with dz the gradient of the quotient z.</summary>
    [Fact]
    public void The_temperatures_gradient_is_its_formula()
    {
        using var scope = NewDisposeScope();
        var random = new Random(2);
        var (x, g) = (OperatorContract.Logits(random, [7, 4], ScalarType.Float64, 2), OperatorContract.Logits(random, [7, 4], ScalarType.Float64, 1));
        var tau = tensor(0.7, ScalarType.Float64).requires_grad_();
        (F.dense_to_sparse_gate(x, tau).weights * g).sum().backward();
        var z = x / 0.7;
        var p = z.softmax(-1);
        var dz = p * (g - (p * g).sum(-1, keepdim: true));
        RoutingLossTests.AssertSame(-(dz * z).sum() / 0.7, tau.grad!, 1e-13);
    }

    public static TheoryData<DenseToSparseActivation> Activations => [.. Enum.GetValues<DenseToSparseActivation>()];

    [Theory]
    [MemberData(nameof(Activations))]
    public void Every_activations_first_and_second_derivatives_pass_gradcheck(DenseToSparseActivation activation)
    {
        using var scope = NewDisposeScope();
        var random = new Random(3);
        Tensor[] inputs =
        [
            OperatorContract.Logits(random, [4, 3], ScalarType.Float64, 1).requires_grad_(),
            OperatorContract.Logits(random, [3], ScalarType.Float64, 1).requires_grad_(),
            tensor(0.8, ScalarType.Float64).requires_grad_(),
        ];
        foreach (double threshold in (double[])[0, 0.25])
        {
            Func<Tensor[], Tensor[]> gate = t =>
            {
                var routing = F.activation_dense_to_sparse_gate(t[0], activation, t[1], t[2], threshold);
                return [routing.weights, routing.lse, routing.mean_probability];
            };
            Assert.True(autograd.gradcheck(gate, inputs));
            Assert.True(autograd.gradgradcheck(gate, inputs));
        }
    }

    [Fact]
    public void Activations_are_the_functions_of_their_names()
    {
        using var scope = NewDisposeScope();
        double[] xs = [-30, -2.5, -0.5, 0, 0.3, 1, 4, 25, 60];
        foreach (var (activation, f) in (IEnumerable<(DenseToSparseActivation, Func<double, double>)>)[
            (DenseToSparseActivation.Tanh, Math.Tanh), (DenseToSparseActivation.Sigmoid, x => 1 / (1 + Math.Exp(-x))), (DenseToSparseActivation.SiLU, x => x / (1 + Math.Exp(-x))),
            (DenseToSparseActivation.Softplus, x => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)))), (DenseToSparseActivation.ELU, x => x > 0 ? x : Math.Exp(x) - 1),
            (DenseToSparseActivation.Sin, Math.Sin), (DenseToSparseActivation.Identity, x => x), (DenseToSparseActivation.ReLU, x => Math.Max(x, 0)),
            (DenseToSparseActivation.LeakyReLU, x => x > 0 ? x : 0.01 * x), (DenseToSparseActivation.Abs, Math.Abs), (DenseToSparseActivation.Square, x => x * x),
            (DenseToSparseActivation.Cube, x => x * x * x)])
        {
            var actual = Operators.Activated(tensor(xs, [1, 9], ScalarType.Float64), activation, null);
            Assert.Equal(xs.Select(f), ElementAccess.Values(actual), (a, b) => Math.Abs(a - b) <= 1e-12 * Math.Max(1, Math.Abs(a)));
        }

        var gelu = ElementAccess.Values(Operators.Activated(tensor(xs, [1, 9], ScalarType.Float64), DenseToSparseActivation.GELU, null));
        Assert.Equal(0.8413447460685429, gelu[5], 1e-14); // the normal distribution's function at 1
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void A_temperature_without_end_spreads_evenly_and_one_near_0_gives_all_to_the_largest_where_equal_ones_share(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var x = tensor(new double[] { 1, 3, -2, 3, 0, 1e30, 5, -1e30 }, [2, 4], dtype);
        foreach (double hot in (double[])[1e300, 1e45])
        {
            Assert.All(ElementAccess.Values(F.dense_to_sparse_gate(x, hot).weights), w => Assert.Equal(0.25, w, 1e-6));
        }

        foreach (double cold in (double[])[1e-6, 1e-45, 1e-300, double.Epsilon])
        {
            foreach (var routing in (RoutingOutputs[])[F.dense_to_sparse_gate(x, cold), F.dense_to_sparse_gate(x, tensor(cold, ScalarType.Float64))])
            {
                Assert.Equal([0, 0.5, 0, 0.5, 0, 1, 0, 0], ElementAccess.Values(routing.weights));
            }
        }
    }

    [Fact]
    public void A_threshold_keeps_what_is_above_it_and_the_likeliest_always()
    {
        using var scope = NewDisposeScope();
        var p = tensor(new[] { 0.5, 0.3, 0.15, 0.05, 0.1, 0.7, 0.1, 0.1, 0.25, 0.25, 0.25, 0.25 }, [3, 4], ScalarType.Float64);
        var routing = F.dense_to_sparse_gate(p.log(), threshold: 0.26);
        Assert.Equal([0, 1, 1, -1, 0, -1], Longs(routing.indices));
        Assert.Equal([0.5, 0.3, 0.7, 0, 0.25, 0], ElementAccess.Values(routing.weights), (a, b) => Math.Abs(a - b) <= 1e-15);
        Assert.Equal([2, 2, 0, 0], Longs(routing.counts));
        Assert.Equal(ElementAccess.Values(p), ElementAccess.Values(routing.probabilities!), (a, b) => Math.Abs(a - b) <= 1e-15);

        var single = F.dense_to_sparse_gate(p.log(), top1: true);
        Assert.Equal([0, 1, 0], Longs(single.indices));
        Assert.Equal([0.5, 0.7, 0.25], ElementAccess.Values(single.weights), (a, b) => Math.Abs(a - b) <= 1e-15);
        Assert.Equal([2, 1, 0, 0], Longs(single.counts));
    }

    [Fact]
    public void The_gradient_of_what_a_threshold_keeps_is_the_softmaxs()
    {
        using var scope = NewDisposeScope();
        var random = new Random(4);
        var (x, g) = (OperatorContract.Logits(random, [50, 6], ScalarType.Float64, 1), OperatorContract.Logits(random, [50, 6], ScalarType.Float64, 1));
        Tensor ours = x.detach().requires_grad_(), theirs = x.detach().requires_grad_();
        var routing = F.dense_to_sparse_gate(ours, 0.5, threshold: 0.1);
        var p = (theirs / 0.5).softmax(-1);
        var kept = p.gt(0.1).to_type(ScalarType.Float64);
        var spread = zeros([50, 7], ScalarType.Float64).scatter_add(1, routing.indices + 1, routing.weights).narrow(1, 1, 6);
        RoutingLossTests.AssertSame(p * kept, spread, 1e-15);
        (spread * g).sum().backward();
        (p * kept * g).sum().backward();
        RoutingLossTests.AssertSame(theirs.grad!, ours.grad!, 1e-14);
    }

    /// <summary>The largest of logits with Gumbel noise is a draw from their softmax, at every temperature.</summary>
    [Fact]
    public void Gumbel_noise_draws_experts_by_their_probability_and_leaves_the_lse_alone()
    {
        using var scope = NewDisposeScope();
        manual_seed(7);
        const int draws = 40_000;
        var x = tensor(new[] { 0.1, 1.2, -0.7, 0.5 }, [1, 4], ScalarType.Float64);
        var many = x.expand(draws, 4);
        foreach (double temperature in (double[])[0.3, 2])
        {
            var routing = F.dense_to_sparse_gate(many, temperature, gumbel: true, top1: true);
            double[] p = ElementAccess.Values(x.softmax(-1));
            long[] counts = Longs(routing.counts);
            for (int e = 0; e < 4; e++)
            {
                Assert.Equal(p[e], (double)counts[e] / draws, 5 * Math.Sqrt(p[e] / draws));
            }

            RoutingLossTests.AssertSame((many / temperature).logsumexp(-1), routing.lse, 1e-14);
        }

        manual_seed(8);
        double[] first = ElementAccess.Values(F.dense_to_sparse_gate(many, gumbel: true).weights);
        double[] second = ElementAccess.Values(F.dense_to_sparse_gate(many, gumbel: true).weights);
        manual_seed(8);
        Assert.Equal(first, ElementAccess.Values(F.dense_to_sparse_gate(many, gumbel: true).weights));
        Assert.NotEqual(first, second);
    }

    [Fact]
    public void An_expert_excluded_by_minus_infinity_gets_nothing_and_the_temperatures_gradient_stays_finite()
    {
        using var scope = NewDisposeScope();
        const double no = double.NegativeInfinity;
        var x = tensor(new[] { 1, no, 2, no, 0.5, 0.3 }, [2, 3], ScalarType.Float64).requires_grad_();
        var tau = tensor(0.6, ScalarType.Float64).requires_grad_();
        var routing = F.dense_to_sparse_gate(x, tau, threshold: 0.01);
        (routing.weights * routing.weights).sum().backward();
        Assert.Equal([2, 0, 1, 2], Longs(routing.indices));
        Assert.All(ElementAccess.Values(x.grad!), g => Assert.True(double.IsFinite(g)));
        double At(double temperature) => F.dense_to_sparse_gate(x, temperature).weights.pow(2).sum().item<double>();
        Assert.Equal((At(0.6 + 1e-6) - At(0.6 - 1e-6)) / 2e-6, tau.grad!.item<double>(), 1e-7);
    }

    [Fact]
    public void A_row_of_NaN_or_of_minus_infinity_is_NaN_and_touches_no_other()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(5), [3, 4], ScalarType.Float32, 1);
        var clean = F.dense_to_sparse_gate(x, 0.5, threshold: 0.2);
        foreach (double bad in (double[])[double.NaN, double.NegativeInfinity, double.PositiveInfinity])
        {
            var y = x.clone();
            y[1] = full([4], bad, ScalarType.Float32);
            foreach (var routing in (RoutingOutputs[])[F.dense_to_sparse_gate(y, 0.5, threshold: 0.2), F.dense_to_sparse_gate(y, 0.5, top1: true), F.dense_to_sparse_gate(y, 0.5)])
            {
                Assert.Equal(float.NaN, routing.weights[1, 0].item<float>());
                Assert.InRange(routing.indices[1, 0].item<long>(), 0, 3);
                Assert.Equal(ElementAccess.Values(clean.probabilities![0]), ElementAccess.Values(routing.probabilities![0]));
            }
        }
    }

    [Fact]
    public void No_tokens_are_no_error()
    {
        using var scope = NewDisposeScope();
        var none = zeros([2, 0, 4], ScalarType.Float32);
        foreach (var routing in (RoutingOutputs[])[F.dense_to_sparse_gate(none), F.dense_to_sparse_gate(none, threshold: 0.1), F.dense_to_sparse_gate(none, top1: true)])
        {
            Assert.Equal([2, 0], routing.weights.shape[..2]);
            Assert.Equal([2, 0], routing.lse.shape);
            Assert.Equal([0, 0, 0, 0], Longs(routing.counts));
            Assert.All(ElementAccess.Values(routing.mean_probability), p => Assert.Equal(0, p));
        }
    }

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Logits_of_16_bits_are_routed_in_32(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(6), [9, 5], dtype, 1).requires_grad_();
        var routing = F.dense_to_sparse_gate(x, 0.5, threshold: 0.1);
        Assert.Equal((ScalarType.Float32, ScalarType.Float32), (routing.weights.dtype, routing.lse.dtype));
        Assert.Equal(ElementAccess.Values((x.to_type(ScalarType.Float32) / 0.5).softmax(-1)), ElementAccess.Values(routing.probabilities!), (a, b) => Math.Abs(a - b) <= 1e-6);
        routing.weights.pow(2).sum().backward();
        Assert.Equal(dtype, x.grad!.dtype);
    }

    [Fact]
    public void Only_the_outputs_stay_in_the_callers_dispose_scope_and_disposing_them_frees_all()
    {
        using var outer = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(7), [9, 5], ScalarType.Float32, 1).requires_grad_();
        var tau = tensor(0.5).requires_grad_();
        foreach (var gate in (Func<RoutingOutputs>[])[
            () => F.dense_to_sparse_gate(x), () => F.dense_to_sparse_gate(x, 0.5, 0.1, gumbel: true), () => F.dense_to_sparse_gate(x, tau, top1: true),
            () => F.activation_dense_to_sparse_gate(x, DenseToSparseActivation.GELU)])
        {
            long before = Live.Counts().Tensors;
            using var scope = NewDisposeScope();
            var routing = gate();
            Assert.Equal(6, scope.DisposablesCount);
            Assert.Equal(before + 6, Tensor.TotalCount);
            routing.Dispose();
            Assert.Equal(before, Tensor.TotalCount);
        }
    }

    internal static long[] Longs(Tensor x)
    {
        Assert.Equal(ScalarType.Int64, x.dtype);
        return [.. ElementAccess.Values(x).Select(value => (long)value)];
    }
}
