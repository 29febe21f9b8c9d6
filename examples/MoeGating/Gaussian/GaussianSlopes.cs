namespace MoeGating;

/// <summary>How fast each error falls with the number of observations, and how fast theory has it fall.</summary>
internal static class GaussianSlopes
{
    public const string OfGate = "gate", OfRatio = "beta / tau", OfExperts = "experts", OfDensity = "density", OfBoundary = "boundary";

    /// <summary>The top-1 gate's name beside the others'.</summary>
    public const string Top1 = "top-1";

    // Theory has -1/2, or nothing at all for what data do not determine, or -1 for a boundary; at these sizes slopes differ from it by chance.
    private const double Flat = -0.2;

    public static IEnumerable<SlopeRow> Of(GaussianStudy study)
    {
        foreach (GaussianGate gate in GaussianGate.All)
        {
            EstimateRow[] rows = [.. study.Estimates.Where(r => r.Gate == gate.Name)];
            SlopeRow Slope(string error, Func<EstimateRow, double> of, double low, double high) => SlopeRow.Of(gate.Name, error, rows.Select(r => (r.N, of(r))), low, high);
            yield return gate.IsDetermined ? Slope(OfGate, r => r.GateError, -0.75, -0.35) : Slope(OfGate, r => r.GateError, Flat, 0.3);
            yield return Slope(OfRatio, r => r.RatioError, -0.75, -0.35);
            yield return Slope(OfExperts, r => r.ExpertError, -0.65, -0.35);
            yield return Slope(OfDensity, r => r.Hellinger, -0.58, -0.42);
        }

        yield return SlopeRow.Of(Top1, OfBoundary, study.Boundaries.Select(r => (r.N, r.BoundaryError)), -1.2, -0.8);
        yield return SlopeRow.Of(Top1, OfExperts, study.Boundaries.Select(r => (r.N, r.ExpertError)), -0.65, -0.4);
    }
}
