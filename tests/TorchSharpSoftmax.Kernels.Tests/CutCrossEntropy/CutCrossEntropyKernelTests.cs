namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Cut cross-entropy's kernels, closed once per stored type below; each test runs at every vector width, in both modes, on guarded memory.</summary>
public abstract class CutCrossEntropyKernelTests<S, E> : IDisposable
    where S : unmanaged
    where E : IElement<S>
{
    private const double Units = 4;

    private readonly CutCrossEntropyRunner<S, E> _kernels = new(450 * 64, 1100 * 16, 450, 1100);

    public void Dispose()
    {
        _kernels.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Every extent below, at and beyond a vector, a tile and a panel.</summary>
    [Fact]
    public void Every_small_extent_gives_the_reference()
    {
        int[] extents = [1, 2, 5, 6, 7, 8, 9, 15, 16, 17, 23, 25, 47, 48, 49];
        foreach (int bits in Widths.Each())
        {
            for (int i = 0; i < extents.Length; i++)
            {
                int a = extents[i], b = extents[(i + 5) % extents.Length], c = extents[(i + 9) % extents.Length];
                AssertAll(Problem(i, a, b, c + 1), bits);
            }
        }
    }

    /// <summary>Several chunks of tokens, stretches and slices of classes, none of them full.</summary>
    [Theory]
    [InlineData(431, 13, 1009)]
    [InlineData(101, 61, 157)]
    public void Extents_beyond_every_block_give_the_reference(int tokens, int features, int classes)
    {
        foreach (int bits in Widths.Each())
        {
            foreach (CrossEntropyLink link in Enum.GetValues<CrossEntropyLink>())
            {
                AssertAll(Problem(3, tokens, features, classes) with { Link = link, ClassWeight = Weights(classes), Bias = Stored(5, classes, 1) }, bits);
            }
        }
    }

    /// <summary>Every option beside every other.</summary>
    [Fact]
    public void Options_work_alone_and_in_pairs()
    {
        Func<CutCrossEntropyProblem, CutCrossEntropyProblem>[] options =
        [
            p => p,
            p => p with { Link = CrossEntropyLink.StableMax },
            p => p with { Softcap = 3 },
            p => p with { Scale = -0.75 },
            p => p with { Smoothing = 0.125 },
            p => p with { ClassWeight = Weights(p.Classes) },
            p => p with { Bias = Stored(11, p.Classes, 2) },
            p => p with { Squares = 0.01 },
            p => p with { WantsEntropy = true, Upstream = [.. p.Upstream.Select((u, i) => u with { OfEntropy = 0.5 - (0.07 * (i % 11)), OfLogSumExp = 0.3 })] },
            WithShares,
            WithProbabilities,
            p => p with { RowIndex = [.. p.RowIndex.Where(i => i % 3 != 1)] },
        ];
        foreach (int bits in Widths.Each())
        {
            for (int i = 0; i < options.Length; i++)
            {
                for (int j = i; j < options.Length; j++)
                {
                    CutCrossEntropyProblem problem = Problem(i + (13 * j), 53, 19, 61);
                    AssertAll(Fit(options[j](options[i](problem))), bits);
                }
            }
        }
    }

    [Fact]
    public void Any_number_of_threads_gives_the_same_bits()
    {
        foreach (int bits in Widths.Each())
        {
            foreach (bool recompute in (bool[])[false, true])
            {
                foreach (double threshold in (double[])[0, 0.01])
                {
                    CutCrossEntropyProblem problem = Problem(8, 431, 37, 311) with { Bias = Stored(5, 311, 1) };
                    CutCrossEntropyOutcome one = _kernels.Run(problem, recompute, 1, Small(problem), new(threshold, Unbiased: true, 7));
                    one.AssertSameBits(_kernels.Run(problem, recompute, 2, Small(problem), new(threshold, Unbiased: true, 7)), $"{bits} bits, two threads");
                    one.AssertSameBits(_kernels.Run(problem, recompute, 5, Small(problem), new(threshold, Unbiased: true, 7)), $"{bits} bits, five threads");
                }
            }
        }
    }

    [Fact]
    public void Nothing_is_computed_for_a_frozen_side()
    {
        foreach (int bits in Widths.Each())
        {
            CutCrossEntropyProblem problem = Problem(8, 53, 19, 61);
            foreach (bool recompute in (bool[])[false, true])
            {
                CutCrossEntropyOutcome both = _kernels.Run(problem, recompute);
                Assert.Equal(both.Input, _kernels.Run(problem, recompute, weight: false).Input);
                Assert.Equal(both.Weight, _kernels.Run(problem, recompute, input: false).Weight);
                Assert.All(_kernels.Run(problem, recompute, input: false).Input, dx => Assert.Equal(0, dx));
            }
        }
    }

    /// <summary>Where one logit leads by far, its gradient is made of the others' share and is not lost.</summary>
    [Fact]
    public void A_target_that_leads_by_far_keeps_its_gradient()
    {
        foreach (int bits in Widths.Each())
        {
            foreach (double gap in (double[])[20, 40, 80])
            {
                CutCrossEntropyProblem problem = new(1, 1, 3, [1], [gap, 0, 1]) { Targets = [0], Upstream = [new(1, 0, 0)], Bias = [0, 0, 0] };
                CutCrossEntropyOutcome outcome = _kernels.Run(problem, recompute: false);
                double rest = (1 + Math.E) * Math.Exp(-gap);
                Assert.InRange(outcome.Results[0].Loss / rest, 1 - 1e-6, 1 + 1e-6);
                Assert.InRange(outcome.Bias[0] / -rest, 1 - 1e-6, 1 + 1e-6);
            }
        }
    }

    [Fact]
    public void Edges_are_those_of_cross_entropy()
    {
        double inf = double.PositiveInfinity, nan = double.NaN;
        foreach (int bits in Widths.Each())
        {
            foreach (CrossEntropyLink link in Enum.GetValues<CrossEntropyLink>())
            {
                Assert.Equal(inf, Loss(link, [0, -inf, 1], 1)); // a masked target
                Assert.True(double.IsFinite(Loss(link, [0, -inf, 1], 0)));
                Assert.Equal(inf, Loss(link, [0, -inf, 1], 0, smoothing: 0.1));
                Assert.Equal(nan, Loss(link, [-inf, -inf, -inf], 0));
                Assert.Equal(nan, Loss(link, [0, inf, 1], 1));
                Assert.Equal(nan, Loss(link, [0, inf, 1], 0));
                Assert.Equal(nan, Loss(link, [0, nan, 1], 1));
                Assert.Equal(nan, Loss(link, [0, nan, 1], 0));
                Assert.Equal(0, Loss(link, [5], 0));
                Assert.Equal(0, Loss(link, [5, -inf, -inf], 0));
            }
        }
    }

    /// <summary>Also beside what is general: smoothing of class weights that are 0 there, and entropy.</summary>
    [Fact]
    public void Masked_classes_have_no_gradient_and_spoil_none()
    {
        foreach (int bits in Widths.Each())
        {
            foreach (CrossEntropyLink link in Enum.GetValues<CrossEntropyLink>())
            {
                CutCrossEntropyProblem whole = Problem(5, 9, 7, 33) with { Link = link, WantsEntropy = true, Bias = Stored(2, 33, 1), Upstream = [.. Enumerable.Repeat(new CutCrossEntropyUpstream(1, 0.5, 0.25), 9)] };
                CutCrossEntropyProblem masked = whole with { Bias = [.. whole.Bias!.Select((b, i) => i % 4 == 3 ? double.NegativeInfinity : b)], Targets = [.. whole.Targets.Select(y => y / 4 * 4)] };
                CutCrossEntropyOutcome outcome = _kernels.Run(masked, recompute: false);
                Assert.All(outcome.Input, dx => Assert.True(double.IsFinite(dx)));
                Assert.All(outcome.Results, row => Assert.True(double.IsFinite(row.Loss) && double.IsFinite(row.Entropy)));
                Assert.All(Enumerable.Range(0, 33).Where(i => i % 4 == 3), i => Assert.Equal(0, outcome.Bias[i]));
                Assert.All(Enumerable.Range(0, 33).Where(i => i % 4 != 3), i => Assert.NotEqual(0, outcome.Bias[i]));
            }
        }
    }

    /// <summary>Logits far beyond the exponential's range, and StableMax's up to 1e8.</summary>
    [Fact]
    public void Huge_logits_have_finite_losses_and_right_gradients()
    {
        foreach (int bits in Widths.Each())
        {
            foreach (CrossEntropyLink link in Enum.GetValues<CrossEntropyLink>())
            {
                foreach (double size in (double[])[1, 100, 1e4])
                {
                    double[] weight = Stored(4, 40, size);
                    CutCrossEntropyProblem problem = new(7, 1, 40, Stored(3, 7, 1), weight) { Link = link, Targets = [1, 5, 9, 0, 39, 7, 3], Upstream = Upstreams(7) };
                    AssertAll(problem, bits);
                }
            }
        }
    }

    [Fact]
    public void Filtering_leaves_out_only_what_is_small()
    {
        foreach (int bits in Widths.Each())
        {
            CutCrossEntropyProblem problem = Sharp(120, 24, 700);
            foreach (bool recompute in (bool[])[false, true])
            {
                CutCrossEntropyOutcome exact = _kernels.Run(problem, recompute), filtered = _kernels.Run(problem, recompute, filter: new(1.0 / 256, Unbiased: false, 0));
                Assert.InRange(filtered.KeptShare, 0.001, 0.6);
                Assert.Equal(exact.Results, filtered.Results);
                Assert.Equal(exact.Bias, filtered.Bias);
                double bound = problem.Classes / 256.0 * problem.Weight.Max(Math.Abs);
                Assert.All(exact.Input.Zip(filtered.Input), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, bound));
                Assert.NotEqual(exact.Weight, filtered.Weight);

                // what every entry reaches is nothing left out
                CutCrossEntropyOutcome all = _kernels.Run(problem, recompute, filter: new(1e-30, Unbiased: false, 0));
                AssertNear(exact.Input, all.Input);
                AssertNear(exact.Weight, all.Weight);
            }
        }
    }

    /// <summary>Neither because a lane without a token is NaN beside it, nor because a draw compares with it, nor because the threshold is made of it.</summary>
    [Fact]
    public void Filtering_hides_no_NaN()
    {
        foreach (int bits in Widths.Each())
        {
            CutCrossEntropyProblem problem = Problem(6, 5, 4, 40);
            foreach (double wrong in (double[])[double.NaN, double.PositiveInfinity])
            {
                CutCrossEntropyProblem broken = problem with { Weight = [.. problem.Weight.Select((w, i) => i == 23 ? wrong : w)], Bias = Stored(5, 40, 1) };
                foreach (bool unbiased in (bool[])[false, true])
                {
                    CutCrossEntropyOutcome outcome = _kernels.Run(broken, recompute: false, filter: new(0.01, unbiased, 0));
                    Assert.All(outcome.Weight, dw => Assert.False(double.IsFinite(dw), $"{dw} beside {wrong} at {bits} bits{(unbiased ? ", drawn" : "")}"));
                    outcome = _kernels.Run(
                        problem with { Upstream = [new(1, 0, 0), new(wrong, 0, 0), .. problem.Upstream[2..]] }, recompute: true, filter: new(0.01, unbiased, 0));
                    Assert.All(outcome.Weight, dw => Assert.False(double.IsFinite(dw), $"{dw} of {wrong} at {bits} bits{(unbiased ? ", drawn" : "")}"));
                }
            }
        }
    }

    /// <summary>Backward from what forward saved leaves out as little as backward from all logits, and knows when too much would be saved.</summary>
    [Fact]
    public void Saved_logits_give_the_filtered_gradients()
    {
        foreach (int bits in Widths.Each())
        {
            foreach (CrossEntropyLink link in Enum.GetValues<CrossEntropyLink>())
            {
                const double Threshold = 1.0 / 32;
                CutCrossEntropyProblem problem = Sharp(420, 24, 700) with { Link = link, Bias = null };
                var saved = new CutSaved(Threshold);
                CutCrossEntropyOutcome exact = _kernels.Run(problem, recompute: true), fromSaved = _kernels.Run(problem, recompute: true, threads: 2, filter: new(Threshold, Unbiased: false, 0), saved: saved);
                Assert.True(saved.IsComplete);
                Assert.Equal(exact.Results, fromSaved.Results);
                double bound = problem.Classes * Threshold * problem.Weight.Max(Math.Abs);
                Assert.All(exact.Input.Zip(fromSaved.Input), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, bound));
                Assert.True(Distance(exact.Weight, fromSaved.Weight) < 0.3 * Distance(exact.Weight, new double[exact.Weight.Length]));

                var all = new CutSaved(1e-30);
                CutCrossEntropyOutcome recomputed = _kernels.Run(problem, recompute: true, filter: new(1e-30, Unbiased: false, 0), saved: all);
                Assert.False(all.IsComplete);
                AssertNear(exact.Weight, recomputed.Weight);
            }
        }
    }

    /// <summary>The mean over many seeds comes nearer to the exact gradient than one filtered without drawing ever does.</summary>
    [Fact]
    public void Unbiased_filtering_is_right_on_average()
    {
        foreach (int bits in Widths.Each())
        {
            CutCrossEntropyProblem problem = Sharp(48, 8, 300);
            const double Threshold = 1.0 / 32;
            const int Seeds = 60;
            double[] exact = _kernels.Run(problem, recompute: false).Weight, cut = _kernels.Run(problem, recompute: false, filter: new(Threshold, Unbiased: false, 0)).Weight;
            double[] mean = new double[exact.Length];
            for (ulong seed = 0; seed < Seeds; seed++)
            {
                double[] drawn = _kernels.Run(problem, recompute: false, filter: new(Threshold, Unbiased: true, seed)).Weight;
                for (int i = 0; i < mean.Length; i++)
                {
                    mean[i] += drawn[i] / Seeds;
                }
            }

            Assert.True(Distance(mean, exact) < Distance(cut, exact) / 2, $"{bits} bits: {Distance(mean, exact)} of the mean, {Distance(cut, exact)} without drawing");
        }
    }

    private double Loss(CrossEntropyLink link, double[] logits, long target, double smoothing = 0)
    {
        CutCrossEntropyProblem problem = new(1, 1, logits.Length, [0], [.. logits.Select(_ => 0.0)])
        {
            Link = link,
            Bias = logits,
            Targets = [target],
            Smoothing = smoothing,
            Upstream = [new(1, 0, 0)],
        };
        double loss = _kernels.Run(problem, recompute: false).Results[0].Loss;
        Assert.Equal(loss, _kernels.Run(problem, recompute: true).Results[0].Loss);
        return loss;
    }

    private void AssertAll(CutCrossEntropyProblem problem, int bits)
    {
        var reference = new CutCrossEntropyReference(problem);
        reference.Differentiate();
        foreach (bool recompute in (bool[])[false, true])
        {
            string what = $"{problem}, {bits} bits{(recompute ? ", recomputed" : "")}";
            Placement placement = recompute ? Placement.OffByOne : Placement.Ending;
            CutCrossEntropyOutcome outcome = _kernels.Run(problem, recompute, threads: 1, Small(problem), placement: placement);
            double[] input = [.. problem.RowIndex.SelectMany(row => outcome.Input.AsSpan((int)row * problem.Features, problem.Features).ToArray())];
            Close.Assert($"losses of {what}", [.. outcome.Results.Select(r => r.Loss)], [.. reference.Results.Select((r, i) => new Expected(r.Loss, Size(r.Loss, i)))], E.Arithmetic, E.Arithmetic, Units);
            Close.Assert($"lse of {what}", [.. outcome.Results.Select(r => r.LogSumExp)], [.. reference.Results.Select((r, i) => new Expected(r.LogSumExp, Size(0, i)))], E.Arithmetic, E.Arithmetic, Units);
            Assert.True(outcome.Results.Select(r => r.Argmax).SequenceEqual(reference.Results.Select(r => r.Argmax)), $"argmax of {what}");
            if (problem.WantsEntropy)
            {
                Close.Assert($"entropy of {what}", [.. outcome.Results.Select(r => r.Entropy)], [.. reference.Results.Select((r, i) => new Expected(r.Entropy, Size(r.Entropy, i)))], E.Arithmetic, E.Arithmetic, 2 * Units);
            }

            Close.Assert($"input gradient of {what}", input, reference.InputGradient, E.Stored, E.Arithmetic, Units);
            Close.Assert($"weight gradient of {what}", outcome.Weight, reference.WeightGradient, E.Arithmetic, E.Arithmetic, Units);
            if (problem.Bias is not null)
            {
                Close.Assert($"bias gradient of {what}", outcome.Bias, reference.BiasGradient, E.Arithmetic, E.Arithmetic, Units);
            }

            double Size(double value, int row) => (1 + Math.Abs(value)) * (1 + reference.Sizes[row]);
        }
    }

    private static void AssertNear(double[] expected, double[] actual)
    {
        double size = expected.Max(Math.Abs);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, 64 * E.Stored.Ulp(size)));
    }

    private static double Distance(double[] a, double[] b) => Math.Sqrt(a.Zip(b).Sum(pair => Math.Pow(pair.First - pair.Second, 2)));

    /// <summary>Little enough for several chunks.</summary>
    private static long Small(CutCrossEntropyProblem problem) => CutCrossEntropyKernels.LeastWorkspace<S>(problem.Features, problem.Classes, gradientInForward: true);

    private static CutCrossEntropyProblem Problem(int seed, int tokens, int features, int classes)
    {
        var random = new Random(seed);
        return new(tokens, features, classes, Stored(seed, tokens * features, 1), Stored(seed + 1, classes * features, 2 / Math.Sqrt(features)))
        {
            Targets = [.. Enumerable.Range(0, tokens).Select(_ => random.NextInt64(classes))],
            Upstream = Upstreams(tokens),
        };
    }

    /// <summary>Logits of which few are large, in no order.</summary>
    private static CutCrossEntropyProblem Sharp(int tokens, int features, int classes)
    {
        CutCrossEntropyProblem problem = Problem(21, tokens, features, classes);
        return problem with { Weight = Stored(22, classes * features, 8 / Math.Sqrt(features)), Bias = Stored(23, classes, 1), Upstream = [.. Enumerable.Repeat(new CutCrossEntropyUpstream(1, 0, 0), tokens)] };
    }

    private static CutCrossEntropyProblem WithShares(CutCrossEntropyProblem problem)
    {
        const int K = 3;
        double[] shares = [.. Enumerable.Range(0, problem.Rows * K).Select(i => (i % 5) / 8.0)];
        long[] targets = [.. Enumerable.Range(0, problem.Rows * K).Select(i => ((i / K * 7) + (i % K * 5)) % (long)problem.Classes)];
        return problem with { TargetsPerRow = K, Targets = targets, Shares = shares, Probabilities = null };
    }

    private static CutCrossEntropyProblem WithProbabilities(CutCrossEntropyProblem problem) =>
        problem with { Probabilities = [.. Stored(31, problem.Tokens * problem.Classes, 1).Select(Math.Abs)], Targets = [], Shares = null, TargetsPerRow = 1 };

    /// <summary>As many targets and upstream gradients as counted rows.</summary>
    private static CutCrossEntropyProblem Fit(CutCrossEntropyProblem problem) => problem with
    {
        Upstream = problem.Upstream[..problem.Rows],
        Targets = problem.Probabilities is null ? problem.Targets[..(problem.Rows * problem.TargetsPerRow)] : [],
        Shares = problem.Shares?[..(problem.Rows * problem.TargetsPerRow)],
    };

    private static CutCrossEntropyUpstream[] Upstreams(int rows) => [.. Enumerable.Range(0, rows).Select(i => new CutCrossEntropyUpstream(1 - (0.37 * (i % 5)), 0, 0))];

    private static double[] Weights(int classes) => [.. Enumerable.Range(0, classes).Select(i => 0.25 * (1 + (i % 6)))];

    private static double[] Stored(int seed, int count, double sigma) => Elements.ToDoubles<S, E>(Elements.From<S, E>(Samples.Normal(seed, count, sigma)));
}

public sealed class FloatCutCrossEntropyKernelTests : CutCrossEntropyKernelTests<float, FloatElement>;

public sealed class DoubleCutCrossEntropyKernelTests : CutCrossEntropyKernelTests<double, DoubleElement>;

public sealed class BFloat16CutCrossEntropyKernelTests : CutCrossEntropyKernelTests<BFloat16, BFloat16Element>;

public sealed class HalfCutCrossEntropyKernelTests : CutCrossEntropyKernelTests<Half, HalfElement>;
