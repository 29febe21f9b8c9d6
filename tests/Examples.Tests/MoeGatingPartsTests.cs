using MoeGating;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharpSoftmax.Kernels;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>The example's parts against plain definitions of them.</summary>
[Collection(InThisProcess.Name)]
public sealed class MoeGatingPartsTests
{
    [Theory]
    [InlineData(DenseToSparseActivation.Identity)]
    [InlineData(DenseToSparseActivation.Tanh)]
    public void Scores_by_autograd_are_the_derivatives_by_hand(DenseToSparseActivation activation)
    {
        using var scope = NewDisposeScope();
        manual_seed(11);
        var mixture = new Mixture(activation);
        (Tensor x, Tensor y) = mixture.Draw(201);
        double[] parameters = [.. Mixture.Truth.Zip(randn(Mixture.Parameters, dtype: ScalarType.Float64).data<double>(), (t, noise) => t + (0.3 * noise))];

        (Tensor scores, Tensor logs) = Scores.Of(mixture, tensor(parameters), x, y);

        double[][] byHand = [.. x.data<double>().Zip(y.data<double>(), (a, b) => ByHand(activation, parameters, a, b))];
        Tensor expected = tensor((double[])[.. byHand.SelectMany(row => row[1..])], [201, Mixture.Parameters]);
        Assert.True((scores - expected).abs().max().item<double>() < 1e-12 * expected.abs().max().item<double>());
        Assert.True((logs - tensor((double[])[.. byHand.Select(row => row[0])])).abs().max().item<double>() < 1e-13);

        Tensor theta = tensor(parameters).requires_grad_();
        mixture.LogDensity(theta, x, y).sum().backward();
        Assert.True((theta.grad! - expected.sum(0L)).abs().max().item<double>() < 1e-11 * expected.sum(0L).abs().max().item<double>());
    }

    [Fact]
    public void Only_homogeneous_activations_have_a_singular_Fisher_information()
    {
        using var grid = Grid.Create();
        FisherRow[] rows = [.. FisherInformation.All(grid)];

        Assert.Equal(13, rows.Length);
        Assert.Equal(["Identity", "ReLU", "LeakyReLU", "Abs", "Square", "Cube"], rows.Where(r => r.Homogeneous).Select(r => r.Activation));
        Assert.All(rows, r => Assert.True(r.Homogeneous ? Math.Abs(r.SmallestEigenvalue) <= 1e-10 : r.SmallestEigenvalue > 1e-2, $"{r}"));

        // A second calculation, elsewhere, of these: other integrals, derivatives by hand.
        Assert.Equal(0.21, rows.First(r => r.Activation == "Tanh").SmallestEigenvalue, 0.005);
        Assert.Equal(0.064, rows.First(r => r.Activation == "GELU").SmallestEigenvalue, 0.0005);
    }

    [Fact]
    public void The_grid_holds_all_of_the_density_and_the_distance_of_Hellinger_is_that_of_two_normal_distributions()
    {
        using var scope = NewDisposeScope();
        using var grid = Grid.Create();
        var mixture = new Mixture(DenseToSparseActivation.Tanh);
        double[] same = [0, 0, 0, 0, 0, 1, 1, 0, 0], moved = [0, 0, 0, 0, 0, 2, 2, 0, 0]; // N(1, 1) and N(2, 1), whatever x is

        Assert.Equal(1, grid.Density(mixture, Mixture.Truth).sum().item<double>() * Grid.Weight, 1e-6);
        Assert.Equal(Math.Sqrt(1 - Math.Exp(-1.0 / 8)), grid.Hellinger(grid.Density(mixture, same), grid.Density(mixture, moved)), 1e-6);
        Assert.Equal(0, grid.Hellinger(grid.Density(mixture, same), grid.Density(mixture, same)));
    }

    [Fact]
    public void A_fit_ends_where_the_likelihood_has_no_slope_and_moves_only_what_is_free()
    {
        using var scope = NewDisposeScope();
        manual_seed(12);
        var mixture = new Mixture(DenseToSparseActivation.Tanh);
        (Tensor x, Tensor y) = mixture.Draw(1500);
        double[] start = [.. Mixture.Truth.Select(t => t + 0.1)];
        int[] free = [0, 1, 3, 4, 5, 6, 7, 8];

        Fit fit = Fit.Of(mixture, start, free, x, y);

        Assert.Equal(start[Mixture.LogTau], fit.Parameters[Mixture.LogTau]);
        Assert.InRange(fit.Steps, 2, 50);
        double[] slopes = [.. Scores.Of(mixture, tensor(fit.Parameters), x, y).Scores.mean([0]).data<double>()];
        Assert.All(free, p => Assert.True(Math.Abs(slopes[p]) < 1e-4, $"The slope by parameter {p} is {slopes[p]}."));
        Assert.True(fit.LogLikelihood > mixture.LogDensity(tensor(Mixture.Truth), x, y).mean().item<double>());
    }

    [Fact]
    public void The_boundary_is_where_two_lines_fit_best()
    {
        var random = new Random(13);
        double[] x = [.. Enumerable.Range(0, 40).Select(_ => random.NextDouble()).Order()];
        double[] y = [.. x.Select(v => (v < 0.4 ? 3 * v : 2 - v) + (0.1 * random.NextDouble()))];

        (double at, Boundary.Line left, Boundary.Line right) = Boundary.Split(x, y);

        (double Cost, int At) best = Enumerable.Range(3, 35).Select(i => (Cost(x[..i], y[..i]) + Cost(x[i..], y[i..]), i)).Min();
        Assert.Equal((x[best.At - 1] + x[best.At]) / 2, at);
        Assert.Equal(3, left.Slope, 0.5);
        Assert.Equal(-1, right.Slope, 0.5);

        static double Cost(double[] x, double[] y)
        {
            (double mx, double my) = (x.Average(), y.Average());
            double slope = x.Zip(y, (a, b) => (a - mx) * (b - my)).Sum() / x.Sum(a => (a - mx) * (a - mx));
            return x.Length * Math.Log(x.Zip(y, (a, b) => Math.Pow(b - my - (slope * (a - mx)), 2)).Average());
        }
    }

    [Fact]
    public void The_slope_of_a_power_law_is_its_exponent()
    {
        (int, double)[] rows = [.. new[] { 100, 300, 900, 2700 }.SelectMany(n => new[] { 0.5, 1, 7 }.Select(f => (n, f * 3 * Math.Pow(n, -0.7))))];

        var slope = SlopeRow.Of("gate", "error", rows, -1, 0);

        Assert.Equal(-0.7, slope.Slope, 1e-12);
        Assert.Equal(0, slope.StandardError, 1e-12);
        Assert.True(slope.AsExpected);
    }

    [Fact]
    public void A_picture_shows_its_domain_and_each_domain_names_the_digits_in_an_order_of_its_own()
    {
        using var scope = NewDisposeScope();
        using var data = DigitsData.Create(3, 10, 20_000);
        using var again = DigitsData.Create(3, 10, 20_000);
        Assert.Equal(0, (data.TestInput - again.TestInput).abs().max().item<float>());

        Tensor pictures = data.TestInput.reshape(-1, DigitsData.Side, DigitsData.Side);
        var digits = new List<Tensor>(); // for each domain the mean picture of each label, without the frame
        for (int domain = 0; domain < DigitsData.Domains; domain++)
        {
            Tensor inDomain = data.TestDomain.eq(domain);
            Assert.InRange(inDomain.sum().item<long>(), 4700, 5300);
            Tensor mean = pictures[inDomain].mean([0]);
            Tensor[] sides = [mean[0], mean[DigitsData.Side - 1], mean.select(1, 0), mean.select(1, DigitsData.Side - 1)];
            Assert.All(Enumerable.Range(0, 4), side => Assert.Equal(side == domain ? 1 : 0, sides[side].narrow(0, 1, 9).mean().item<float>(), 0.02f));
            digits.Add(stack([.. Enumerable.Range(0, DigitsData.Classes).Select(label =>
                pictures[inDomain.logical_and(data.TestTarget.eq(label))].mean([0]).narrow(0, 1, 9).narrow(1, 1, 9).reshape(-1))]));
        }

        // A label's picture in one domain is that of exactly one label in another.
        string[] orders = [.. digits.Select(d => string.Join(',', (d.unsqueeze(1) - digits[0]).square().sum(2).argmin(1).data<long>()))];
        Assert.All(orders, order => Assert.Equal(DigitsData.Classes, order.Split(',').Distinct().Count()));
        Assert.Equal("0,1,2,3,4,5,6,7,8,9", orders[0]);
        Assert.Equal(DigitsData.Domains, orders.Distinct().Count());
    }

    [Fact]
    public void Loads_have_the_variation_of_their_shares()
    {
        var loads = Loads.Of([1, 3, 0, 4]);

        Assert.Equal([0.125, 0.375, 0, 0.5], loads.Shares);
        Assert.Equal(Math.Sqrt(2.5) / 2, loads.Variation, 1e-12);
    }

    [Theory]
    [InlineData(2, TopKGateMode.KeptSoftmax)]
    [InlineData(1, TopKGateMode.Softmax)]
    public void Composed_operators_in_the_gates_place_train_to_the_same_losses(int k, TopKGateMode mode)
    {
        double[] ours = Losses(() => Router.Of(nn.TopKGate(DigitsData.Features, DigitGate.Experts, k, mode), balance: 0.02));
        double[] composed = Losses(() =>
        {
            var gate = new ComposedGate(k, mode);
            return new(gate, (Parameter)gate.Map.weight) { Loss = ComposedGate.Balance, Probabilities = x => gate.Map.call(x).softmax(1) };
        });

        Assert.Equal(24, ours.Length);
        Assert.All(ours.Zip(composed), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.True(ours[^1] < ours[0] - 0.05, $"From {ours[0]} to {ours[^1]}: nothing was learnt.");

        static double[] Losses(Func<Router> create)
        {
            var settings = new DigitsSettings(Epochs: 4, LogEvery: 1, Threads: 1);
            using var data = DigitsData.Create(5, 6 * DigitsSettings.Batch, 50);
            (Module<Tensor, Tensor> model, Router? router) = new DigitGate("any", "any", _ => create()).Create(settings.Steps);
            using var _ = model;
            var rows = new List<DigitsRow>();
            Assert.True(new DigitsRun(DigitGate.All[0], 5, settings, "none").Train(model, router, data, rows.Add, null, (_, _) => { }));
            return [.. rows.Select(r => r.Loss)];
        }
    }

    /// <summary>The log-likelihood of one sample and its nine derivatives.</summary>
    private static double[] ByHand(DenseToSparseActivation activation, double[] p, double x, double y)
    {
        double tau = Math.Exp(p[2]), u = p[0] * x;
        (double s, double ds) = activation == DenseToSparseActivation.Tanh ? (Math.Tanh(u), 1 - Math.Pow(Math.Tanh(u), 2)) : (u, 1);
        double z = (s + p[1]) / tau, w = 1 / (1 + Math.Exp(-z));
        (double off1, double off2, double v1, double v2) = (y - (p[3] * x) - p[5], y - (p[4] * x) - p[6], Math.Exp(p[7]), Math.Exp(p[8]));
        double one = w * Normal(off1, v1), two = (1 - w) * Normal(off2, v2), r = one / (one + two), gate = r - w;
        return
        [
            Math.Log(one + two), gate * x * ds / tau, gate / tau, -gate * z, r * off1 / v1 * x, (1 - r) * off2 / v2 * x, r * off1 / v1, (1 - r) * off2 / v2,
            r * ((off1 * off1 / v1) - 1) / 2, (1 - r) * ((off2 * off2 / v2) - 1) / 2,
        ];

        static double Normal(double off, double v) => Math.Exp(-off * off / v / 2) / Math.Sqrt(2 * Math.PI * v);
    }

    /// <summary>A top-k gate and its balance loss as one writes them from libtorch's operators.</summary>
    private sealed class ComposedGate : Module<Tensor, RoutingOutputs>
    {
        private readonly Linear map;
        private readonly int k;
        private readonly TopKGateMode mode;

        public ComposedGate(int k, TopKGateMode mode)
            : base(nameof(ComposedGate))
        {
            (this.k, this.mode) = (k, mode);
            map = Linear(DigitsData.Features, DigitGate.Experts, hasBias: false);
            RegisterComponents();
        }

        public Linear Map => map;

        public static Tensor Balance(RoutingOutputs routing)
        {
            Tensor chosen = functional.one_hot(routing.indices.reshape(-1), DigitGate.Experts).to_type(ScalarType.Float32);
            return (chosen.mean([0]) * routing.probabilities!.mean([0])).sum() * (0.02 * DigitGate.Experts);
        }

        public override RoutingOutputs forward(Tensor input)
        {
            Tensor logits = map.call(input);
            Tensor p = logits.softmax(1);
            (Tensor top, Tensor indices) = logits.topk(k, 1);
            Tensor weights = mode == TopKGateMode.Softmax ? p.gather(1, indices) : top.softmax(1);
            Tensor counts = functional.one_hot(indices.reshape(-1), DigitGate.Experts).sum(0L);
            return new(weights, indices, logits.logsumexp(1), counts, p.mean([0]), p);
        }
    }
}
