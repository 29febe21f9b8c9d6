namespace MoeGating;

/// <summary>
/// One row of slopes.csv: the straight line through log n and the logarithm of an error's median over the repetitions, its slope with the standard error, and
/// between which slopes it is expected at the default sizes.
/// </summary>
internal sealed record SlopeRow(string Estimate, string Error, double Slope, double StandardError, double Low, double High)
{
    public bool AsExpected => Slope >= Low && Slope <= High;

    /// <summary>Needs three sizes at least: two determine a line, and say nothing of its error.</summary>
    public static SlopeRow Of(string estimate, string error, IEnumerable<(int N, double Error)> rows, double low, double high)
    {
        (double X, double Y)[] points = [.. Medians(rows).Select(m => (Math.Log(m.N), Math.Log(m.Median)))];
        (double meanX, double meanY) = (points.Average(p => p.X), points.Average(p => p.Y));
        double squares = points.Sum(p => (p.X - meanX) * (p.X - meanX));
        double slope = points.Sum(p => (p.X - meanX) * (p.Y - meanY)) / squares;
        double rest = points.Sum(p => Math.Pow(p.Y - meanY - (slope * (p.X - meanX)), 2));
        return new(estimate, error, slope, Math.Sqrt(rest / (points.Length - 2) / squares), low, high);
    }

    public static IEnumerable<(int N, double Median)> Medians(IEnumerable<(int N, double Error)> rows) =>
        rows.GroupBy(r => r.N).OrderBy(g => g.Key).Select(g => (g.Key, Median([.. g.Select(r => r.Error).Order()])));

    private static double Median(double[] ordered) => (ordered[(ordered.Length - 1) / 2] + ordered[ordered.Length / 2]) / 2;
}
