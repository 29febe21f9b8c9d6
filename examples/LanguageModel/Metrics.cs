using System.Globalization;

namespace LanguageModel;

/// <summary>
/// One row of metrics.csv. The training loss is that of the step's own batch, before the step; the validation loss, where it was measured, that of
/// the model after it; both are means in nats. The peak is that of the whole process so far.
/// </summary>
internal sealed record Metrics(int Step, double TrainLoss, double? ValidationLoss, double StepSeconds, double PeakMiB)
{
    /// <summary>What the display shows.</summary>
    public string Describe(double? validation, int tokens) => string.Create(CultureInfo.InvariantCulture,
        $"loss {TrainLoss:0.000}  validation {(validation is { } v ? $"{v:0.000}" : "-")}  {tokens / StepSeconds:N0} tokens/s  {PeakMiB:N0} MiB");
}
