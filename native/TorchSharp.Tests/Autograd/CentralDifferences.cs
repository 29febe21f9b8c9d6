using System.Runtime.InteropServices;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.Autograd;

/// <summary>Gradients of a function of float64 tensors beside central differences of its values.</summary>
internal static class CentralDifferences
{
    private const double Step = 1e-6;

    /// <summary>Values in [low, high) that are no multiples of anything, the same ones for the same seed.</summary>
    public static Tensor Uniform(int seed, double low, double high, params long[] shape)
    {
        var random = new Random(seed);
        double[] values = new double[shape.Aggregate(1L, (a, b) => a * b)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = low + ((high - low) * random.NextDouble());
        }

        return tensor(values, shape, ScalarType.Float64);
    }

    /// <summary>Holds the gradients that backward gives for every input to the differences, element by element.</summary>
    public static void Hold(Func<Tensor[], Tensor> function, params Tensor[] inputs)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (Tensor input in inputs)
        {
            input.requires_grad = true;
        }

        Tensor output = function(inputs);
        Assert.Equal(ScalarType.Float64, output.dtype);
        Tensor upstream = Uniform(99, -1, 1, output.shape);
        output.backward([upstream]);
        foreach ((Tensor input, int which) in inputs.Select((t, i) => (t, i)))
        {
            double[] actual = Values(input.grad ?? throw new InvalidOperationException($"Input {which} has no gradient."));
            using (no_grad())
            {
                Span<double> x = MemoryMarshal.Cast<byte, double>(input.bytes);
                Assert.Equal(x.Length, actual.Length);
                for (int i = 0; i < actual.Length; i++)
                {
                    double at = x[i];
                    x[i] = at + Step;
                    double above = Weighted(function(inputs), upstream);
                    x[i] = at - Step;
                    double below = Weighted(function(inputs), upstream);
                    x[i] = at;
                    double expected = (above - below) / (2 * Step);
                    Assert.True(
                        Math.Abs(actual[i] - expected) <= 1e-8 + (1e-6 * Math.Abs(expected)),
                        $"input {which}, element {i}: backward gives {actual[i]:R}, differences give {expected:R}");
                }
            }
        }
    }

    public static double[] Values(Tensor t)
    {
        using Tensor dense = t.contiguous();
        return MemoryMarshal.Cast<byte, double>(dense.bytes).ToArray();
    }

    // The sum runs in C#: an operator under test must not judge itself.
    private static double Weighted(Tensor output, Tensor upstream) => Values(output).Zip(Values(upstream), (a, b) => a * b).Sum();
}
