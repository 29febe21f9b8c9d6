namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The projection in plain double-double arithmetic, from the elements as they are stored.</summary>
internal static class PerpGradReference
{
    /// <summary>p = g - c w with c = strength (w . g) / (|w|^2 + eps), times |g| / |p| if rescaled; an error is measured against f (|g| + |c w|).</summary>
    internal static Expected[] Project(double[] w, double[] g, bool rescale, double eps, double strength)
    {
        DoubleDouble removed = Dot(w, g) * strength / (Dot(w, w) + eps);
        DoubleDouble[] p = [.. g.Zip(w, (y, x) => y - (removed * x))];
        DoubleDouble square = p.Aggregate((DoubleDouble)0.0, (sum, x) => sum + (x * x));
        DoubleDouble factor = rescale && square.Hi > 0 ? Sqrt(Dot(g, g) / square) : 1.0;
        return [.. p.Select((x, i) => new Expected(factor * x, factor.Hi * (Math.Abs(g[i]) + Math.Abs(removed.Hi * w[i]))))];
    }

    internal static double Cosine(double[] a, double[] b) => (double)Dot(a, b) / Math.Sqrt((double)Dot(a, a)) / Math.Sqrt((double)Dot(b, b));

    internal static DoubleDouble Dot(double[] a, double[] b)
    {
        DoubleDouble sum = 0.0;
        for (int i = 0; i < a.Length; i++)
        {
            sum += (DoubleDouble)a[i] * b[i];
        }

        return sum;
    }

    /// <summary>Newton's step from the double root.</summary>
    private static DoubleDouble Sqrt(DoubleDouble x)
    {
        DoubleDouble root = Math.Sqrt(x.Hi);
        return root + ((x - (root * root)) / (root * 2.0));
    }
}
