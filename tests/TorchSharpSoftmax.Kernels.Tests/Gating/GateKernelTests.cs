namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The gate's kernels, closed once per stored type below; each test runs at every vector width.</summary>
/// <remarks>This part: numbers of experts, of kept ones and of tokens, modes, threads. The others: what is chosen, and edges.</remarks>
public abstract partial class GateKernelTests<S, E, C, F> : IDisposable
    where S : unmanaged
    where E : IElement<S>
    where C : unmanaged
    where F : IElement<C>
{
    /// <summary>The roundings of the difference, exponential, sum, inverse and product, at worst all one way.</summary>
    private const double Units = 8;

    private static readonly Placement[] s_placements = Enum.GetValues<Placement>();

    private static readonly GateRule[] s_rules =
        [new(TopKGateMode.KeptSoftmax), new(TopKGateMode.Softmax), new(TopKGateMode.SoftmaxRenormalized), new(TopKGateMode.Sigmoid), new(TopKGateMode.Sigmoid, 2, 1, 2.5)];

    private readonly GateRunner<S, E, C, F> _kernels = new(1 << 17, 1 << 16, 1 << 10);

    public void Dispose()
    {
        _kernels.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Every_number_of_experts_gives_the_reference_in_every_mode()
    {
        foreach (int experts in (int[])[1, 2, 3, 6, 10, 16, 64, 144, 160, 257, 1000])
        {
            foreach (int kept in new SortedSet<int>(experts < 100 ? [1, 2, 3, 8, experts / 2, experts] : [2, 8, 70]).Where(k => k >= 1 && k <= experts))
            {
                foreach (GateRule rule in s_rules.Where(rule => experts % rule.Groups == 0 && kept <= experts / rule.Groups * rule.KeptGroups))
                {
                    Assert(new GateShape(5, experts, kept), rule, s_placements[(experts + kept) % s_placements.Length]);
                }
            }
        }
    }

    [Fact]
    public void Every_number_of_tokens_gives_the_reference_wherever_memory_lies()
    {
        foreach (int tokens in (int[])[1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 257])
        {
            foreach (GateRule rule in s_rules)
            {
                Assert(new GateShape(tokens, 10, 3), rule, s_placements);
            }
        }
    }

    [Fact]
    public void Means_and_counts_over_many_tokens_give_the_reference()
    {
        foreach (GateRule rule in s_rules)
        {
            Assert(new GateShape(3001, 12, 2), rule, Placement.Ending);
        }
    }

    [Fact]
    public void No_token_gives_no_count_and_a_mean_that_is_no_number()
    {
        foreach (int bits in Widths.Each())
        {
            foreach (GateRule rule in s_rules)
            {
                var shape = new GateShape(0, 6, 2);
                GateResult result = _kernels.Forward([], [], shape, rule);
                Xunit.Assert.Empty(result.Weights);
                Xunit.Assert.All(result.Counts, count => Xunit.Assert.Equal(0, count));
                Xunit.Assert.All(result.Mean, mean => Xunit.Assert.Equal(double.NaN, mean));
                Xunit.Assert.Empty(_kernels.Backward([], result, [], [], [], shape, rule));
            }
        }
    }

    [Fact]
    public void Threads_change_no_bit()
    {
        var shape = new GateShape(5003, 24, 3);
        S[] x = Logits(1, shape);
        C[] bias = Upstream(2, 24), dweights = Upstream(3, 5003 * 3), dlse = Upstream(4, 5003), dmean = Upstream(5, 24);
        foreach (int bits in Widths.Each())
        {
            foreach (GateRule rule in s_rules)
            {
                C[] used = rule.Mode == TopKGateMode.Sigmoid ? bias : [];
                GateResult one = _kernels.Forward(x, used, shape, rule), three = _kernels.Forward(x, used, shape, rule, threads: 3);
                AssertSame($"{rule} at {bits}", one, three);
                Bits.AssertSame<double>(
                    $"{rule} backward at {bits}", _kernels.Backward(x, one, dweights, dlse, dmean, shape, rule),
                    _kernels.Backward(x, one, dweights, dlse, dmean, shape, rule, threads: 3));
            }
        }
    }

    [Fact]
    public void Kept_softmax_and_softmax_renormalised_are_one_and_the_same()
    {
        var shape = new GateShape(77, 10, 4);
        S[] x = Logits(6, shape);
        C[] dweights = Upstream(7, 77 * 4);
        foreach (int bits in Widths.Each())
        {
            GateRule kept = new(TopKGateMode.KeptSoftmax), renormalized = new(TopKGateMode.SoftmaxRenormalized);
            GateResult a = _kernels.Forward(x, [], shape, kept), b = _kernels.Forward(x, [], shape, renormalized);
            AssertSame($"at {bits}", a, b);
            Bits.AssertSame<double>(
                $"backward at {bits}", _kernels.Backward(x, a, dweights, [], [], shape, kept), _kernels.Backward(x, b, dweights, [], [], shape, renormalized));
        }
    }

    [Fact]
    public void One_kept_logit_weighs_1_whatever_it_is_and_has_no_gradient()
    {
        var shape = new GateShape(50, 9, 1);
        S[] x = Logits(8, shape);
        foreach (int bits in Widths.Each())
        {
            GateResult result = _kernels.Forward(x, [], shape, new(TopKGateMode.KeptSoftmax), statistics: false);
            Xunit.Assert.All(result.Weights, weight => Xunit.Assert.Equal(1, weight));
            Xunit.Assert.All(_kernels.Backward(x, result, Upstream(9, 50), [], [], shape, new(TopKGateMode.KeptSoftmax)), d => Xunit.Assert.Equal(0, d));
        }
    }

    /// <summary>Forward and backward at each width; without the statistics the same bits, and all gradients with and without those of lse and mean.</summary>
    private void Assert(GateShape shape, GateRule rule, params Placement[] placements)
    {
        int tokens = (int)shape.Tokens, experts = (int)shape.Experts, kept = (int)shape.Kept;
        S[] x = Logits(experts + kept, shape);
        C[] bias = rule.Mode == TopKGateMode.Sigmoid && kept % 2 == 1 ? Upstream(experts, experts) : [], dweights = Upstream(kept, tokens * kept);
        (C[] Lse, C[] Mean)[] upstream = [([], []), (Upstream(1, tokens), []), ([], Upstream(2, experts)), (Upstream(3, tokens), Upstream(4, experts))];
        double[] exact = Elements.ToDoubles<S, E>(x);
        GateReference? reference = null;
        Expected[][] gradients = []; // of one reference: most of the time goes into them
        foreach (int bits in Widths.Runnable)
        {
            using IDisposable width = Isa.Force(bits);
            foreach (Placement placement in placements)
            {
                string what = $"{shape} {rule} width {bits} {placement}";
                GateResult result = _kernels.Forward(x, bias, shape, rule, placement: placement);
                if (reference is null)
                {
                    reference = new(exact, result.Indices, shape, rule);
                    gradients = [.. upstream.Select(d => reference.Backward(Doubles(dweights), Doubles(d.Lse), Doubles(d.Mean)))];
                }

                AssertChosen(what, exact, Elements.ToDoubles<C, F>(bias), result, shape, rule);
                Close.Assert($"{what} weights", result.Weights, reference.Weights, F.Stored, F.Stored, Units);
                Close.Assert($"{what} lse", result.Lse, reference.Lse, F.Stored, F.Stored, Units);
                Close.Assert($"{what} mean", result.Mean, reference.Mean, F.Stored, F.Stored, 2 * Units);
                GateResult bare = _kernels.Forward(x, bias, shape, rule, statistics: false, placement: placement);
                Bits.AssertSame<double>($"{what} bare weights", result.Weights, bare.Weights);
                Xunit.Assert.Equal(result.Indices, bare.Indices);
                Xunit.Assert.Equal(result.Counts, bare.Counts);
                foreach (((C[] Lse, C[] Mean) d, Expected[] expected) in upstream.Zip(gradients))
                {
                    double[] dx = _kernels.Backward(x, result, dweights, d.Lse, d.Mean, shape, rule, placement);
                    Close.Assert($"{what} gradient with {d.Lse.Length} {d.Mean.Length}", dx, expected, E.Stored, E.Arithmetic, 2 * Units);
                }
            }
        }
    }

    private static void AssertSame(string what, GateResult a, GateResult b)
    {
        Bits.AssertSame<double>($"{what} weights", a.Weights, b.Weights);
        Bits.AssertSame<double>($"{what} lse", a.Lse, b.Lse);
        Bits.AssertSame<double>($"{what} mean", a.Mean, b.Mean);
        Bits.AssertSame<double>($"{what} state", a.State, b.State);
        Xunit.Assert.Equal(a.Indices, b.Indices);
        Xunit.Assert.Equal(a.Counts, b.Counts);
    }

    private static double[] Doubles(C[] x) => Elements.ToDoubles<C, F>(x);

    private static S[] Logits(int seed, GateShape shape) => Elements.From<S, E>(Samples.Normal(seed, (int)(shape.Tokens * shape.Experts), 2));

    private static C[] Upstream(int seed, int count) => Elements.From<C, F>(Samples.Normal(seed, count));
}

public sealed class FloatGateKernelTests : GateKernelTests<float, FloatElement, float, FloatElement>;

public sealed class DoubleGateKernelTests : GateKernelTests<double, DoubleElement, double, DoubleElement>;

public sealed class BFloat16GateKernelTests : GateKernelTests<BFloat16, BFloat16Element, float, FloatElement>;

public sealed class HalfGateKernelTests : GateKernelTests<Half, HalfElement, float, FloatElement>;
