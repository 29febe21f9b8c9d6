namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>What is chosen, and what becomes of rows that are no numbers.</summary>
public abstract partial class GateKernelTests<S, E, C, F>
{
    [Fact]
    public void Every_k_chooses_as_a_stable_sort_does()
    {
        foreach (int experts in (int[])[1, 2, 6, 10, 144, 160, 257])
        {
            for (int kept = 1; kept <= experts; kept++)
            {
                AssertChoice(new GateShape(5, experts, kept), coarse: kept % 2 == 0);
            }
        }

        foreach (int kept in (int[])[1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 500, 999, 1000])
        {
            AssertChoice(new GateShape(3, 1000, kept), coarse: true);
        }
    }

    /// <summary>Lists of every kind of pass, with infinities and NaN among few different numbers; a NaN is chosen as -infinity is.</summary>
    [Fact]
    public void NaN_and_infinities_are_chosen_in_order_in_lists_of_every_length()
    {
        double[] values = [double.NaN, double.NegativeInfinity, double.NegativeInfinity, double.PositiveInfinity, -1, 0, 0.5, 2];
        foreach ((int experts, int tokens) in ((int, int)[])[(9, 203), (20, 67), (700, 19)])
        {
            var random = new Random(experts);
            double[] x = [.. Enumerable.Range(0, tokens * experts).Select(i => values[random.Next(i / experts % 3 == 0 ? 3 : values.Length)])];
            double[] chosen = [.. x.Select(value => double.IsNaN(value) ? double.NegativeInfinity : value)];
            foreach (int bits in Widths.Each())
            {
                for (int kept = 1; kept <= 9; kept++)
                {
                    var shape = new GateShape(tokens, experts, kept);
                    GateResult result = _kernels.Forward(Elements.From<S, E>(x), [], shape, new(TopKGateMode.KeptSoftmax), statistics: false);
                    AssertChosen($"{shape} width {bits}", chosen, [], result, shape, new(TopKGateMode.KeptSoftmax));
                    for (int t = 0; t < tokens; t++)
                    {
                        bool isNumber = !x.AsSpan(t * experts, experts).ContainsAny(double.NaN, double.PositiveInfinity)
                            && x.AsSpan(t * experts, experts).ContainsAnyExcept(double.NegativeInfinity);
                        Xunit.Assert.All(result.Weights[(t * kept)..((t + 1) * kept)], weight => Xunit.Assert.Equal(isNumber, double.IsFinite(weight)));
                    }
                }
            }
        }
    }

    [Fact]
    public void Equal_sigmoid_scores_go_to_the_lowest_expert_also_beside_a_bias_and_groups()
    {
        var shape = new GateShape(200, 12, 3);
        var random = new Random(3);
        S[] x = Elements.From<S, E>([.. Enumerable.Range(0, 200 * 12).Select(_ => random.Next(3) - 1.0)]);
        C[] bias = Elements.From<C, F>([0, 0, 0.25, 0.25, 0, 0, 0, 0.25, 0, 0, 0, 0.25]);
        double[] exact = Elements.ToDoubles<S, E>(x);
        foreach (int bits in Widths.Each())
        {
            foreach (GateRule rule in (GateRule[])[new(TopKGateMode.Sigmoid), new(TopKGateMode.Sigmoid, 4, 2), new(TopKGateMode.Sigmoid, 12, 3)])
            {
                GateResult result = _kernels.Forward(x, bias, shape, rule);
                for (int t = 0; t < 200; t++)
                {
                    double[] choice = Choice(exact.AsSpan(t * 12, 12), Doubles(bias));
                    Xunit.Assert.Equal(Best(choice, rule, 3), result.Indices.AsSpan(t * 3, 3).ToArray());
                }
            }
        }
    }

    [Fact]
    public void Experts_outside_the_kept_groups_are_never_chosen_whatever_the_bias()
    {
        var shape = new GateShape(40, 8, 3);
        S[] x = Logits(5, shape);
        C[] bias = Elements.From<C, F>([double.NegativeInfinity, 1, double.NegativeInfinity, double.NegativeInfinity, -3, -4, -5, -6]);
        foreach (int bits in Widths.Each())
        {
            GateResult result = _kernels.Forward(x, bias, shape, new(TopKGateMode.Sigmoid, 2, 1));
            for (int t = 0; t < 40; t++)
            {
                Xunit.Assert.Single(result.Indices.AsSpan(t * 3, 3).ToArray().Select(e => e / 4).Distinct());
                Xunit.Assert.Equal(3, result.Indices.AsSpan(t * 3, 3).ToArray().Distinct().Count());
            }
        }
    }

    [Fact]
    public void Rows_that_are_no_numbers_have_NaN_weights_and_k_different_experts()
    {
        const double inf = double.PositiveInfinity, nan = double.NaN;
        double[][] rows =
        [
            [1, nan, 3, 0], [nan, nan, nan, nan], [-inf, -inf, -inf, -inf], [1, inf, 3, 0], [-inf, 2, -inf, -inf], [nan, -inf, -inf, -inf], [inf, nan, -inf, 1], [0.5, 1.5, -1, 0.25],
        ];
        long[][] chosen = [[2, 0], [0, 1], [0, 1], [1, 2], [1, 0], [0, 1], [0, 3], [1, 0]];
        double[] lse = [nan, nan, -inf, inf, 2, nan, nan];
        var shape = new GateShape(rows.Length, 4, 2);
        S[] x = Elements.From<S, E>([.. rows.SelectMany(row => row)]);
        foreach (int bits in Widths.Each())
        {
            foreach (bool statistics in (bool[])[true, false])
            {
                foreach (TopKGateMode mode in (TopKGateMode[])[TopKGateMode.KeptSoftmax, TopKGateMode.Softmax])
                {
                    GateResult result = _kernels.Forward(x, [], shape, new(mode), statistics);
                    Xunit.Assert.Equal(chosen.SelectMany(list => list), result.Indices);
                    Xunit.Assert.Equal([nan, nan, nan, nan, nan, nan, nan, nan, 1, 0, nan, nan, nan, nan], result.Weights.AsSpan(0, 14).ToArray());
                    Xunit.Assert.All(result.Weights[14..], weight => Xunit.Assert.True(weight > 0));
                    if (statistics)
                    {
                        Xunit.Assert.Equal(lse, result.Lse.AsSpan(0, 7).ToArray());
                        Xunit.Assert.All(result.Mean, mean => Xunit.Assert.Equal(nan, mean));
                    }
                }
            }

            GateResult sigmoid = _kernels.Forward(x, [], shape, new(TopKGateMode.Sigmoid));
            Xunit.Assert.Equal((long[])[2, 0, 0, 1, 0, 1, 1, 2, 1, 0, 1, 2, 0, 3, 1, 0], sigmoid.Indices); // of -infinity the score is 0, and more than a NaN
            Xunit.Assert.Equal([nan, nan, nan, nan, 0, 0], sigmoid.Weights.AsSpan(0, 6).ToArray()); // scores of 0 weigh 0
            Xunit.Assert.Equal([1, 0, nan, nan, nan, nan], sigmoid.Weights.AsSpan(8, 6).ToArray());
            Xunit.Assert.All(sigmoid.Weights[6..8], weight => Xunit.Assert.InRange(weight, 0.4, 0.6));
            Xunit.Assert.Equal(lse, sigmoid.Lse.AsSpan(0, 7).ToArray());
        }
    }

    /// <summary>With and without a bias of -infinity, which counts as NaN does; among groups of no numbers the lowest is kept.</summary>
    [Fact]
    public void A_group_of_no_numbers_is_kept_after_one_with_a_number()
    {
        const double nan = double.NaN, low = double.NegativeInfinity;
        double[][] rows = [[nan, nan, nan, nan, -2, nan], [nan, nan, nan, 1, 3, nan], [nan, nan, nan, nan, nan, nan], [nan, 2, 0, 1, nan, nan], [1, 1, nan, -3, nan, nan]];
        var shape = new GateShape(rows.Length, 6, 2);
        S[] x = Elements.From<S, E>([.. rows.SelectMany(row => row)]), numbers = Elements.From<S, E>([1, 1, 1, 1, -2, 1]);
        C[] bias = Elements.From<C, F>([low, low, low, low, 0, low]);
        foreach (int bits in Widths.Each())
        {
            GateResult one = _kernels.Forward(x, [], shape, new(TopKGateMode.Sigmoid, 3, 1)), two = _kernels.Forward(x, [], shape, new(TopKGateMode.Sigmoid, 3, 2));
            Xunit.Assert.Equal((long[])[4, 5, 3, 2, 0, 1, 3, 2, 0, 1], one.Indices);
            Xunit.Assert.Equal((long[])[4, 0, 4, 3, 0, 1, 1, 3, 0, 1], two.Indices);
            Xunit.Assert.Equal((long[])[4, 5], _kernels.Forward(numbers, bias, new(1, 6, 2), new(TopKGateMode.Sigmoid, 3, 1)).Indices);
        }
    }

    [Fact]
    public void Huge_logits_are_no_different_from_small_ones()
    {
        double huge = E.Stored.MaxFinite / 2;
        var shape = new GateShape(2, 3, 2);
        S[] x = Elements.From<S, E>([huge, huge, 0, -huge, -huge, -2 * huge]);
        foreach (int bits in Widths.Each())
        {
            GateResult kept = _kernels.Forward(x, [], shape, new(TopKGateMode.KeptSoftmax)), sigmoid = _kernels.Forward(x, [], shape, new(TopKGateMode.Sigmoid));
            Xunit.Assert.Equal([0.5, 0.5, 0.5, 0.5], kept.Weights);
            Xunit.Assert.Equal([0, 1, 0, 1], kept.Indices);
            Xunit.Assert.Equal([0.5, 0.5, 0], kept.Mean);
            Xunit.Assert.Equal([0.5, 0.5, 0, 0], sigmoid.Weights);
            Xunit.Assert.All(_kernels.Backward(x, kept, Upstream(1, 4), Upstream(2, 2), Upstream(3, 3), shape, new(TopKGateMode.KeptSoftmax)), d => Xunit.Assert.True(double.IsFinite(d)));
            Xunit.Assert.All(_kernels.Backward(x, sigmoid, Upstream(1, 4), [], [], shape, new(TopKGateMode.Sigmoid)), d => Xunit.Assert.True(double.IsFinite(d)));
        }
    }

    private void AssertChoice(GateShape shape, bool coarse)
    {
        int experts = (int)shape.Experts, kept = (int)shape.Kept;
        var random = new Random(experts + kept);
        S[] x = coarse ? Elements.From<S, E>([.. Enumerable.Range(0, (int)shape.Tokens * experts).Select(_ => random.Next(7) / 2.0)]) : Logits(kept, shape);
        double[] exact = Elements.ToDoubles<S, E>(x);
        foreach (int bits in Widths.Each())
        {
            GateResult result = _kernels.Forward(x, [], shape, new(TopKGateMode.KeptSoftmax), statistics: false);
            AssertChosen($"{shape} width {bits}", exact, [], result, shape, new(TopKGateMode.KeptSoftmax));
        }
    }

    /// <summary>By logits as a stable sort; by scores up to their rounding, of which ties are tested on their own.</summary>
    private static void AssertChosen(string what, double[] x, double[] bias, GateResult result, GateShape shape, GateRule rule)
    {
        int experts = (int)shape.Experts, kept = (int)shape.Kept;
        var counts = new long[experts];
        for (int t = 0; t < shape.Tokens; t++)
        {
            ReadOnlySpan<double> row = x.AsSpan(t * experts, experts);
            long[] chosen = result.Indices.AsSpan(t * kept, kept).ToArray();
            foreach (long e in chosen)
            {
                counts[e]++;
            }

            if (rule.Mode != TopKGateMode.Sigmoid)
            {
                long[] best = Best(row.ToArray(), new(rule.Mode), kept);
                Xunit.Assert.True(best.AsSpan().SequenceEqual(chosen), $"{what}, token {t}: {string.Join(' ', chosen)} instead of {string.Join(' ', best)}");
                continue;
            }

            double[] choice = Choice(row, bias);
            long[] sorted = Best(choice, rule, kept);
            Xunit.Assert.Equal(kept, chosen.Distinct().Count());
            for (int j = 0; j < kept; j++)
            {
                double off = Math.Abs(choice[chosen[j]] - choice[sorted[j]]);
                Xunit.Assert.True(off <= 8 * F.Stored.Ulp(Math.Max(1, Math.Abs(choice[sorted[j]]))), $"{what}, token {t}, place {j}: {chosen[j]} instead of {sorted[j]}");
            }
        }

        Xunit.Assert.Equal(counts, result.Counts);
    }

    private static double[] Choice(ReadOnlySpan<double> row, double[] bias)
    {
        var choice = new double[row.Length];
        for (int e = 0; e < choice.Length; e++)
        {
            choice[e] = (1 / (1 + Math.Exp(-row[e]))) + (bias.Length == 0 ? 0 : bias[e]);
        }

        return choice;
    }

    /// <summary>By a stable sort: of groups by the sum of their two best, then of the experts in the kept ones.</summary>
    private static long[] Best(double[] choice, GateRule rule, int kept)
    {
        int size = choice.Length / (int)rule.Groups;
        double Score(int group) => choice.AsSpan(group * size, size).ToArray().OrderDescending().Take(2).Sum();
        var groups = Enumerable.Range(0, (int)rule.Groups).OrderByDescending(Score).Take((int)rule.KeptGroups).ToHashSet();
        return [.. Enumerable.Range(0, choice.Length).Where(e => groups.Contains(e / size)).OrderByDescending(e => choice[e]).Take(kept).Select(e => (long)e)];
    }
}
