using System.Globalization;

namespace MoeGating;

/// <summary>
/// One row of metrics.csv. Loss (in nats, the task's alone) and accuracy of training, and the loads, are those of the steps since the row before; the rest is that of this step.
/// A load is an expert's share of all assignments, their CV the standard deviation over the mean. The gate's entropy is 1 where all experts are equally likely; BalanceLoss is
/// 1 at balance; ZLoss is the mean of log-sum-exp squared; GateGradient the norm of the gradient of its weights. Empty without a gate or where it has no such thing.
/// </summary>
internal sealed record DigitsRow(
    int Step, double Loss, double Accuracy, double TestAccuracy, double? LoadCV, double? MaxLoad, double? MinLoad, double? Entropy, double? Temperature,
    double? ExpertsPerToken, double? BalanceLoss, double? ZLoss, double? GateGradient, double? Load0, double? Load1, double? Load2, double? Load3, double? Load4,
    double? Load5, double? Load6, double? Load7, double Seconds)
{
    public string Describe() => string.Create(CultureInfo.InvariantCulture,
        $"test {TestAccuracy,6:P1}  loss {Loss:0.000}{(LoadCV is { } cv ? $"  load CV {cv:0.00}, least {MinLoad:P1}" : "")}");

    public double[] Loads() => [.. new[] { Load0, Load1, Load2, Load3, Load4, Load5, Load6, Load7 }.Select(l => l ?? 0)];
}

/// <summary>One row of outcomes: a trained network on the test pictures, where each goes to the experts that evaluation chooses.</summary>
internal sealed record DigitsOutcome(
    string Gate, int Seed, int Steps, double TestAccuracy, double? MaxLoad, double? MinLoad, double? LoadCV, double? Entropy, double? LargestGateGradient, double Seconds);

/// <summary>One row of domains.csv: which part of a domain's assignments go to an expert.</summary>
internal sealed record DomainRow(int Domain, int Expert, double Share);

/// <summary>How assignments are spread over experts.</summary>
internal sealed record Loads(double[] Shares)
{
    public static Loads Of(IEnumerable<double> counts)
    {
        double[] all = [.. counts];
        double sum = all.Sum();
        return new([.. all.Select(c => c / sum)]);
    }

    /// <summary>Standard deviation over mean.</summary>
    public double Variation => Math.Sqrt(Shares.Average(s => Math.Pow((s * Shares.Length) - 1, 2)));
}
