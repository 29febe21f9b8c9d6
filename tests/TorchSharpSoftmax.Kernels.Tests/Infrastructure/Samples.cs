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
}
