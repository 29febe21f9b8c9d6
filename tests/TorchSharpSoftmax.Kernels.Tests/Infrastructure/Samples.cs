namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Seeded data that is neither one-hot nor uniform.</summary>
internal static class Samples
{
    internal static double[] Normal(int seed, int count, double sigma = 1, double mean = 0)
    {
        var random = new Random(seed);
        var x = new double[count];
        for (int i = 0; i < count; i++)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            x[i] = mean + (sigma * radius * Math.Cos(2 * Math.PI * random.NextDouble()));
        }

        return x;
    }

    internal static double[] Uniform(int seed, int count, double low, double high)
    {
        var random = new Random(seed);
        var x = new double[count];
        for (int i = 0; i < count; i++)
        {
            x[i] = low + ((high - low) * random.NextDouble());
        }

        return x;
    }

    internal static double[] Constant(int count, double value)
    {
        var x = new double[count];
        x.AsSpan().Fill(value);
        return x;
    }

    /// <summary>A row with some elements of another value.</summary>
    internal static double[] With(double[] row, IEnumerable<int> at, double value)
    {
        foreach (int i in at)
        {
            row[i] = value;
        }

        return row;
    }

    /// <summary>The same with an ordinary row.</summary>
    internal static double[] With(int n, IEnumerable<int> at, double value) => With(Normal(n, n, 2), at, value);

    /// <summary>A period again and again; its length should be a multiple of no block.</summary>
    internal static T[] Repeated<T>(T[] period, int length)
    {
        var x = new T[length];
        for (int at = 0; at < length; at += period.Length)
        {
            period.AsSpan(0, Math.Min(period.Length, length - at)).CopyTo(x.AsSpan(at));
        }

        return x;
    }
}
