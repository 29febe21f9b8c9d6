using Spectre.Console;
using TorchSharpSoftmax.Examples;

namespace MoeGating;

/// <summary>The study's results in tables and words.</summary>
internal static class GaussianReport
{
    public static void Print(GaussianStudy study)
    {
        Table fisher = Tables.Of("activation", "smallest eigenvalue", "determined");
        foreach (FisherRow row in study.Fisher.OrderByDescending(r => r.SmallestEigenvalue))
        {
            fisher.AddRow(row.Activation, Output.Number(row.SmallestEigenvalue, "0.0e+0"), row.SmallestEigenvalue > FisherInformation.Singular ? "yes" : "no");
        }

        Console.WriteLine("  What one observation tells of nine parameters (Fisher information, correlation-scaled), by the gate's activation:");
        Tables.Print(fisher);
        if (study.IsFinished)
        {
            Table slopes = Tables.Of("gate", [.. Errors]);
            foreach (IGrouping<string, SlopeRow> gate in study.Slopes.GroupBy(s => s.Estimate))
            {
                slopes.AddRow([Title(gate.Key), .. Errors.Select(error => Cell(gate.FirstOrDefault(s => s.Error == error)))]);
            }

            Console.WriteLine("  Slopes of log error over log n, with standard errors; -0.50 is the usual rate, 0 no rate at all:");
            Tables.Print(slopes);
        }

        Output.Print(Findings(study));
        Console.WriteLine("  (The top-1 gate has no gradient: its boundary is found by trying every place, not by training.)");
        Console.WriteLine($"  estimates  {Path.GetFullPath(study.EstimatesPath)}, and boundary.csv, slopes.csv, fisher.csv beside it");
        string picture = Path.Combine(study.Folder, "gaussian.png");
        if (study.IsFinished)
        {
            Output.PrintPicture(picture, GaussianPicture.Draw(picture, study));
        }
    }

    public static string Title(string estimate) => GaussianGate.All.FirstOrDefault(g => g.Name == estimate)?.Title ?? "top-1";

    /// <summary>The claims of theory, each with what was measured.</summary>
    public static IEnumerable<Finding> Findings(GaussianStudy study)
    {
        FisherRow[] singular = [.. study.Fisher.Where(r => r.Homogeneous)], others = [.. study.Fisher.Where(r => !r.Homogeneous)];
        yield return new(
            "homogeneous activations leave the temperature undetermined, the others do not",
            $"eigenvalues up to {Output.Number(singular.Max(r => r.SmallestEigenvalue), "0e+0")}, and from {Output.Number(others.Min(r => r.SmallestEigenvalue), "0.000")} up",
            singular.All(r => Math.Abs(r.SmallestEigenvalue) < FisherInformation.Singular) && others.All(r => r.SmallestEigenvalue > 1e-2));
        foreach ((string claim, string error, Func<SlopeRow, bool> which) in Claims)
        {
            SlopeRow[] slopes = [.. study.Slopes.Where(s => s.Error == error && which(s))];
            if (slopes.Length > 0)
            {
                yield return new(claim, string.Join(", ", slopes.Select(s => $"{s.Estimate} {Output.Number(s.Slope, "0.00")}")), slopes.All(s => s.AsExpected));
            }
        }
    }

    private static readonly string[] Errors = [GaussianSlopes.OfGate, GaussianSlopes.OfRatio, GaussianSlopes.OfExperts, GaussianSlopes.OfDensity, GaussianSlopes.OfBoundary];

    private static readonly (string Claim, string Error, Func<SlopeRow, bool> Which)[] Claims =
    [
        ("more data do not find beta and temperature of a homogeneous gate", GaussianSlopes.OfGate, s => !Determined(s)),
        ("they do with tanh and GELU, and where the temperature is given", GaussianSlopes.OfGate, Determined),
        ("the quotient of both is found in any case", GaussianSlopes.OfRatio, _ => true),
        ("the density is found in any case", GaussianSlopes.OfDensity, _ => true),
        ("the experts are found in any case", GaussianSlopes.OfExperts, _ => true),
        ("a top-1 gate's boundary is found at twice the usual rate", GaussianSlopes.OfBoundary, _ => true),
    ];

    private static bool Determined(SlopeRow slope) => GaussianGate.All.First(g => g.Name == slope.Estimate).IsDetermined;

    private static string Cell(SlopeRow? slope) => slope is null ? "" : $"{Output.Number(slope.Slope, "0.00")} +- {Output.Number(slope.StandardError, "0.00")}";
}
