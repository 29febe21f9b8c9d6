using System.Globalization;
using Spectre.Console;
using TorchSharpSoftmax.Examples;

namespace LanguageModel;

/// <summary>
/// One row of summary.csv: what became of one run. The speed is that of the median step, so that a moment in which the machine was busy with something
/// else does not count; the seconds are those of all steps, without validation and checkpoints.
/// </summary>
internal sealed record Outcome(string Loss, int Steps, double TrainLoss, double? ValidationLoss, double PeakMiB, double TokensPerSecond, double Seconds)
{
    public static Outcome Of(Training training, Experiment e)
    {
        List<Metrics> rows = training.Rows();
        double[] seconds = [.. rows.Select(r => r.StepSeconds).Order()];
        return new Outcome(
            Losses.Title(training.Loss), rows[^1].Step, rows[^1].TrainLoss, rows.LastOrDefault(r => r.ValidationLoss is not null)?.ValidationLoss,
            rows.Max(r => r.PeakMiB), e.Tokens / seconds[seconds.Length / 2], seconds.Sum());
    }
}

/// <summary>The outcomes of the runs: as a file, as a table, in words.</summary>
internal static class Summary
{
    public static void Write(string path, IReadOnlyList<Outcome> outcomes)
    {
        using var file = new MetricsFile<Outcome>(path);
        file.AddRange(outcomes);
    }

    public static void Print(Outcome[] outcomes, Training[] trainings)
    {
        var table = Tables.Of("loss", "steps", "train", "validation", "peak MiB", "tokens/s");
        foreach (Outcome o in outcomes)
        {
            table.AddRow(
                o.Loss, $"{o.Steps}", Number(o.TrainLoss, "0.0000"), o.ValidationLoss is { } v ? Number(v, "0.0000") : "-",
                Number(o.PeakMiB, "N0"), Number(o.TokensPerSecond, "N0"));
        }

        Tables.Print(table);
        if (outcomes.Length == 2)
        {
            Console.WriteLine(
                $"  Training losses differ by {Number(Farthest(trainings, r => r.TrainLoss), "0.0000")} at most, validation losses by " +
                $"{Number(Farthest(trainings, r => r.ValidationLoss), "0.0000")}. {outcomes[0].Loss} takes {Number(outcomes[0].PeakMiB / outcomes[1].PeakMiB, "P0")} " +
                $"of the memory, and is {Number(outcomes[0].TokensPerSecond / outcomes[1].TokensPerSecond, "0.00")} times as fast.");
        }
    }

    public static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>The greatest difference between two runs at a step that both have.</summary>
    private static double Farthest(Training[] two, Func<Metrics, double?> loss) =>
        two[0].Rows().Zip(two[1].Rows(), (a, b) => loss(a) - loss(b)).Max(d => Math.Abs(d ?? 0));
}
