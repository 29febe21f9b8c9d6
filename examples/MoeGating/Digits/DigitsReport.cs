using Spectre.Console;
using TorchSharpSoftmax.Examples;

namespace MoeGating;

/// <summary>The networks' results in a table and in words.</summary>
internal static class DigitsReport
{
    public static void Print(DigitsStudy study)
    {
        if (study.Finished.Count == 0)
        {
            return;
        }

        Table table = Tables.Of("gate", "accuracy", "mean", "max load", "min load", "load CV", "entropy", "gradient", "seconds");
        foreach (IGrouping<DigitGate, DigitsOutcome> gate in ByGate(study))
        {
            DigitsOutcome[] seeds = [.. gate];
            table.AddRow(
                Markup.Escape(gate.Key.Title), Range(seeds, o => o.TestAccuracy, "0.000"), Output.Number(seeds.Average(o => o.TestAccuracy), "0.000"),
                Range(seeds, o => o.MaxLoad, "0.00"), Range(seeds, o => o.MinLoad, "0.00"), Range(seeds, o => o.LoadCV, "0.00"), Range(seeds, o => o.Entropy, "0.00"),
                Range(seeds, o => o.LargestGateGradient, "0.00"), Output.Number(seeds.Average(o => o.Seconds), "0.0"));
        }

        Console.WriteLine($"  On unseen pictures, over seeds {string.Join(", ", study.Finished.Select(r => r.Seed).Distinct())}; a load is an expert's share of the assignments (1/8 if even),");
        Console.WriteLine("  entropy is over the largest possible, the gradient that of the gate's weights where its norm was largest:");
        Tables.Print(table);
        Output.Print(Findings([.. study.Finished.Select(r => r.Outcome!)]));
        Console.WriteLine($"  summary  {Path.GetFullPath(study.SummaryPath)}");
        Console.WriteLine($"  metrics  {Path.Combine(Path.GetFullPath(study.Folder), "<gate>", "seed-<n>", "metrics.csv")} and domains.csv");
        string picture = Path.Combine(study.Folder, "digits.png");
        Output.PrintPicture(picture, DigitsPicture.Draw(picture, study));
    }

    /// <summary>What the comparison is about, each claim with what was measured; those whose networks are not all there are left out.</summary>
    public static IEnumerable<Finding> Findings(DigitsOutcome[] outcomes)
    {
        DigitsOutcome[] Of(string gate) => [.. outcomes.Where(o => o.Gate == gate)];
        double Accuracy(string gate) => Of(gate).Average(o => o.TestAccuracy);
        bool Has(params string[] gates) => Array.TrueForAll(gates, gate => Of(gate).Length > 0);
        string Share(double value) => Output.Number(value, "0.000");

        if (Has("top2", "one-16"))
        {
            yield return new(
                "two of eight experts know far more than one", $"{Share(Accuracy("top2"))} against {Share(Accuracy("one-16"))}",
                Accuracy("top2") >= 0.88 && Accuracy("top2") >= Accuracy("one-16") + 0.2);
        }

        if (Has("top2", "top2-balanced"))
        {
            (double without, double with) = (Of("top2").Average(o => o.LoadCV!.Value), Of("top2-balanced").Average(o => o.LoadCV!.Value));
            yield return new("the load-balance loss evens the loads", $"their CV is {Output.Number(with, "0.00")} instead of {Output.Number(without, "0.00")}", with < without);
        }

        if (Has("top1", "top1-balanced"))
        {
            (double dead, double alive) = (Of("top1").Average(o => o.MinLoad!.Value), Of("top1-balanced").Average(o => o.MinLoad!.Value));
            yield return new(
                "a top-1 gate without it lets experts die, which costs accuracy",
                $"smallest load {Share(dead)} and accuracy {Share(Accuracy("top1"))}, with it {Share(alive)} and {Share(Accuracy("top1-balanced"))}",
                alive > dead && Accuracy("top1-balanced") >= Accuracy("top1") + 0.03);
        }

        if (Has("top1-kept", "top1-balanced"))
        {
            double gradient = Of("top1-kept").Max(o => o.LargestGateGradient!.Value);
            yield return new(
                "the softmax of one kept logit never trains its gate", $"largest gradient {Output.Number(gradient, "0")}, accuracy {Share(Accuracy("top1-kept"))}",
                gradient == 0 && Accuracy("top1-kept") <= Accuracy("top1-balanced") - 0.05);
        }

        DigitsOutcome[] gated = [.. outcomes.Where(o => o.LoadCV is not null)];
        if (Has("one-128") && gated.Length > 0)
        {
            string best = gated.Select(o => o.Gate).Distinct().MaxBy(Accuracy)!;
            yield return new(
                "the mixtures do not beat the network of as many weights here, of whose hidden units two experts are a quarter",
                $"{Share(Accuracy("one-128"))} against {Share(Accuracy(best))} of the best gate, {best}", Accuracy("one-128") > Accuracy(best));
        }
    }

    public static IEnumerable<IGrouping<DigitGate, DigitsOutcome>> ByGate(DigitsStudy study) => study.Finished.GroupBy(r => r.Gate, r => r.Outcome!);

    /// <summary>From the least to the most over the seeds.</summary>
    private static string Range(DigitsOutcome[] seeds, Func<DigitsOutcome, double?> of, string format)
    {
        if (seeds.Any(o => of(o) is null))
        {
            return "";
        }

        string low = Output.Number(seeds.Min(o => of(o)!.Value), format), high = Output.Number(seeds.Max(o => of(o)!.Value), format);
        return low == high ? low : $"{low}-{high}";
    }
}
