using System.Diagnostics;
using Spectre.Console;
using TorchSharpSoftmax;
using TorchSharpSoftmax.Examples;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace LanguageModel;

/// <summary>One row of probabilities.csv: how probable the most probable word is on average, the next one, and so on.</summary>
internal sealed record Ranked(int Rank, double MeanProbability);

/// <summary>
/// One row of gradients.csv: forward and backward of the head alone, the median of a few rounds. Errors are norms of the difference from the gradient in
/// float64, as shares of that one's norm; starved is the share of words whose row of the head's gradient is exactly zero.
/// </summary>
internal sealed record GradientOf(string Loss, double Milliseconds, double HiddenError, double HeadError, double Starved);

/// <summary>How few words the trained head thinks possible, and what it costs to leave the others out of the gradient.</summary>
/// <param name="Kept">For each row of a batch, how many probabilities are at least the filter's threshold.</param>
/// <param name="KeptMass">The probability that these have together, on average.</param>
internal sealed record Sparsity(int Classes, long[] Kept, double KeptMass, IReadOnlyList<Ranked> ByRank, IReadOnlyList<GradientOf> Gradients)
{
    private const int Block = 128; // rows whose logits are held at once
    private const int Rounds = 5;

    /// <summary>Of the average row.</summary>
    public double KeptShare => Kept.Average() / Classes;

    /// <summary>On one batch of the words that were held out.</summary>
    public static Sparsity Measure(Model model, Text text, Experiment e)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor target) = new Batches(text.Validation, e).First(e.Batch).First();
        Tensor hidden, head = model.Head.detach();
        Tensor? bias = model.HeadBias?.detach();
        using (no_grad())
        {
            hidden = model.call(input);
        }

        (long[] kept, double mass, Ranked[] byRank) = Probabilities(hidden, head, bias);
        return new Sparsity(text.Vocabulary.Length, kept, mass, byRank, Compare(hidden, head, bias, target));
    }

    public void Write(string folder)
    {
        using var probabilities = new MetricsFile<Ranked>(PathIn(folder));
        probabilities.AddRange(ByRank);
        using var gradients = new MetricsFile<GradientOf>(Path.Combine(folder, "gradients.csv"));
        gradients.AddRange(Gradients);
    }

    public static string PathIn(string folder) => Path.Combine(folder, "probabilities.csv");

    public void Print()
    {
        long[] sorted = [.. Kept.Order()];
        Console.WriteLine(
            $"Of the {Classes} words, {Summary.Number(Kept.Average(), "0.0")} have a probability of at least 2^-12 in the average row ({Summary.Number(KeptShare, "P2")}): " +
            $"{sorted[0]} in the row with the fewest, {sorted[sorted.Length / 2]} in the median, {sorted[^1]} at most. Together they have {Summary.Number(KeptMass, "P1")} of the probability.");
        Console.WriteLine("The head alone on these rows, forward and backward; errors of the gradients, and how many words' rows of the head's are exactly zero:");
        Table table = Tables.Of("loss", "ms", "error, hidden", "error, head", "zero rows");
        foreach (GradientOf g in Gradients)
        {
            table.AddRow(
                g.Loss, Summary.Number(g.Milliseconds, "0.0"), Summary.Number(g.HiddenError, "0.0E+0"), Summary.Number(g.HeadError, "0.0E+0"), Summary.Number(g.Starved, "P1"));
        }

        Tables.Print(table);
    }

    private static (long[] Kept, double Mass, Ranked[] ByRank) Probabilities(Tensor hidden, Tensor head, Tensor? bias)
    {
        var kept = new List<long>();
        double mass = 0;
        double[] byRank = new double[head.size(0)];
        for (long at = 0; at < hidden.size(0); at += Block)
        {
            using var scope = NewDisposeScope();
            Tensor rows = hidden.narrow(0, at, Math.Min(Block, hidden.size(0) - at));
            Tensor p = functional.two_pass_softmax(functional.linear(rows, head, bias), dim: -1);
            Tensor large = p.ge(Losses.Threshold);
            kept.AddRange(large.sum(1).data<long>());
            mass += (p * large.to_type(p.dtype)).sum().item<float>();
            double[] sums = [.. p.sort(-1, descending: true).Values.sum(0, type: ScalarType.Float64).data<double>()];
            for (int i = 0; i < byRank.Length; i++)
            {
                byRank[i] += sums[i] / hidden.size(0);
            }
        }

        int[] ranks = [.. Enumerable.Range(0, 1000).Select(i => (int)Math.Pow(10, i / 40.0)).TakeWhile(r => r <= byRank.Length).Distinct(), byRank.Length];
        return ([.. kept], mass / hidden.size(0), [.. ranks.Distinct().Select(r => new Ranked(r, byRank[r - 1]))]);
    }

    private static GradientOf[] Compare(Tensor hidden, Tensor head, Tensor? bias, Tensor target)
    {
        (string Title, IHeadLoss Loss)[] losses =
        [
            (Losses.Title(LossName.CrossEntropy), new LinearThenCrossEntropy()),
            (Losses.Title(LossName.LinearCrossEntropy), new LinearCrossEntropy()),
            ("filtered at 2^-12", new FilteredLinearCrossEntropy(LinearCrossEntropyFilter.Threshold(Losses.Threshold))),
            ("left to chance below 2^-12", new FilteredLinearCrossEntropy(LinearCrossEntropyFilter.Stochastic(Losses.Threshold, seed: 0))),
        ];
        (Tensor exactHidden, Tensor exactHead) = Exact(hidden, head, bias, target);
        double[][] milliseconds = [.. losses.Select(_ => new double[Rounds])];
        var gradients = new GradientOf[losses.Length];
        for (int round = -1; round < Rounds; round++) // the first one only warms up; all take turns
        {
            for (int i = 0; i < losses.Length; i++)
            {
                using var scope = NewDisposeScope();
                Tensor h = hidden.detach().requires_grad_();
                Tensor w = head.detach().requires_grad_();
                var clock = Stopwatch.StartNew();
                Tensor mean = losses[i].Loss.Mean(h, w, bias, target);
                mean.backward();
                double spent = clock.Elapsed.TotalMilliseconds;
                GC.KeepAlive(mean);
                if (round < 0)
                {
                    double starved = w.grad!.abs().amax([1]).eq(0).to_type(ScalarType.Float64).mean().item<double>();
                    gradients[i] = new GradientOf(losses[i].Title, 0, Error(exactHidden, h.grad!), Error(exactHead, w.grad!), starved);
                }
                else
                {
                    milliseconds[i][round] = spent;
                }
            }
        }

        return [.. gradients.Zip(milliseconds, (gradient, each) => gradient with { Milliseconds = each.Order().ElementAt(Rounds / 2) })];
    }

    /// <summary>The gradients by their definition in float64, a block of rows after the other.</summary>
    private static (Tensor Hidden, Tensor Head) Exact(Tensor hidden, Tensor head, Tensor? bias, Tensor target)
    {
        Tensor w = head.to_type(ScalarType.Float64);
        Tensor ofHidden = zeros_like(hidden, dtype: ScalarType.Float64);
        Tensor ofHead = zeros_like(w);
        for (long at = 0; at < hidden.size(0); at += Block)
        {
            using var scope = NewDisposeScope();
            long rows = Math.Min(Block, hidden.size(0) - at);
            Tensor h = hidden.narrow(0, at, rows).to_type(ScalarType.Float64);
            Tensor logits = functional.linear(h, w, bias?.to_type(ScalarType.Float64));
            Tensor targets = target.narrow(0, at, rows);
            Tensor gradient = (logits.softmax(-1) - functional.one_hot(targets, head.size(0)).to_type(ScalarType.Float64)) / hidden.size(0);
            ofHidden.narrow(0, at, rows).copy_(gradient.matmul(w));
            ofHead.add_(gradient.t().matmul(h));
        }

        return (ofHidden, ofHead);
    }

    private static double Error(Tensor exact, Tensor actual)
    {
        using var scope = NewDisposeScope();
        return ((actual.to_type(ScalarType.Float64) - exact).square().sum().sqrt() / exact.square().sum().sqrt()).item<double>();
    }
}
