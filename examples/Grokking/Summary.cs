using System.Globalization;
using Spectre.Console;
using TorchSharpSoftmax.Examples;

namespace Grokking;

/// <summary>One row of summary.csv: what became of one run with one seed. Empty epochs were not reached; accuracies are shares of 1.</summary>
internal sealed record Outcome(
    string Run, int Seed, int Epochs, int? Train99, int? Test50, int? Test95, int? Test99,
    double BestTest, double FinalTest, double FinalTrain, double FinalZeroLoss, double Seconds)
{
    public static Outcome Of(Training training)
    {
        List<Metrics> rows = MetricsFile<Metrics>.Read(training.MetricsPath);
        Metrics last = rows[^1];
        int? Test(double share) => rows.FirstOrDefault(r => r.TestAccuracy >= share)?.Epoch;
        return new Outcome(
            training.Run.Name, training.Seed, last.Epoch, rows.FirstOrDefault(r => r.TrainAccuracy >= 0.99)?.Epoch, Test(0.5), Test(0.95), Test(0.99),
            rows.Max(r => r.TestAccuracy), last.TestAccuracy, last.TrainAccuracy, last.ZeroLossFraction, last.Seconds);
    }
}

/// <summary>The outcomes of all runs: as a file, as a table, in words.</summary>
internal static class Summary
{
    public static void Write(string path, IReadOnlyList<Outcome> outcomes)
    {
        using var file = new MetricsFile<Outcome>(path);
        file.AddRange(outcomes);
    }

    public static void Print(Preset preset, IReadOnlyList<Outcome> outcomes)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn("run").AddColumn("seed");
        string[] numbers =
            ["epochs", "train 99 %", "test 50 %", "test 95 %", "test 99 %", "best test", "final test", "final train", "zero losses", "seconds"];
        foreach (string number in numbers)
        {
            table.AddColumn(new TableColumn(number).RightAligned().NoWrap());
        }

        foreach (Outcome o in outcomes)
        {
            table.AddRow([
                Markup.Escape(Title(preset, o.Run)), $"{o.Seed}", $"{o.Epochs}",
                Epoch(o.Train99), Epoch(o.Test50), Epoch(o.Test95), Epoch(o.Test99),
                Share(o.BestTest), Share(o.FinalTest), Share(o.FinalTrain), Share(o.FinalZeroLoss),
                o.Seconds.ToString("0.0", CultureInfo.InvariantCulture),
            ]);
        }

        Tables.Print(table);
        foreach (IGrouping<string, Outcome> run in outcomes.GroupBy(o => o.Run))
        {
            Console.WriteLine($"  {Title(preset, run.Key)}: {InWords([.. run])}");
        }
    }

    /// <summary>Several seeds stand side by side, slower ones included.</summary>
    private static string InWords(Outcome[] seeds)
    {
        string known = seeds.All(o => o.Train99 is null)
            ? $"knows {Each(seeds, o => Share(o.FinalTrain))} of the training samples at the end"
            : $"knows 99 % of the training samples at epoch {Each(seeds, o => Epoch(o.Train99))}";
        string understood = seeds.All(o => o.Test99 is null)
            ? $"of the unseen ones at best {Each(seeds, o => Share(o.BestTest))} by epoch {Each(seeds, o => $"{o.Epochs}")}"
            : $"99 % of the unseen ones at epoch {Each(seeds, o => Epoch(o.Test99))}";
        return $"{known}, {understood}.";
    }

    private static string Each(Outcome[] seeds, Func<Outcome, string> what)
    {
        string[] each = [.. seeds.Select(what)];
        return each.Distinct().Count() == 1 ? each[0] : string.Join(" / ", each);
    }

    private static string Title(Preset preset, string run) => preset.Runs.First(r => r.Name == run).Title;

    private static string Epoch(int? epoch) => epoch?.ToString(CultureInfo.InvariantCulture) ?? "never";

    private static string Share(double share) => share.ToString("P1", CultureInfo.InvariantCulture);
}
