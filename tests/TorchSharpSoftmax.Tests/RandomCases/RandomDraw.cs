using System.Collections.Concurrent;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>What one random case is drawn from, and a count of what was drawn. A case depends on the seed and its own number alone, so that any one can be repeated.</summary>
internal sealed class RandomDraw(int seed, long number, ConcurrentDictionary<string, long> counts)
{
    internal static ScalarType[] Dtypes { get; } = [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16];

    internal Random Random { get; } = new(Mixed(seed, number));

    internal T Of<T>(params ReadOnlySpan<T> choices) => choices[Random.Next(choices.Length)];

    internal bool OneIn(int n) => Random.Next(n) == 0;

    internal long Size(long least, long most) => Random.NextInt64(least, most + 1);

    internal ScalarType Dtype()
    {
        var dtype = Of<ScalarType>(Dtypes);
        Count(dtype.ToString());
        return dtype;
    }

    /// <summary>Sizes of up to three dims of tokens; now and then there is none.</summary>
    internal long[] Tokens(long most = 20)
    {
        int rank = Random.Next(4);
        var shape = new long[rank];
        for (int i = 0; i < rank; i++)
        {
            shape[i] = OneIn(40) ? 0 : Size(1, i == 0 ? most : 4);
        }

        if (shape.Contains(0))
        {
            Count("zero-size");
        }

        return shape;
    }

    internal Tensor Normal(double spread, ScalarType dtype, params long[] shape) => OperatorContract.Logits(Random, shape, dtype, spread);

    /// <summary>The values of a contiguous tensor in another layout; an expanded one repeats those of its first slice.</summary>
    internal Tensor Laid(Tensor x, bool mayExpand = true)
    {
        int dims = (int)x.ndim;
        string layout = dims == 0 || x.numel() == 0 ? "contiguous" : Of("contiguous", "contiguous", "transposed", "sliced", "storage offset", mayExpand ? "expanded" : "sliced");
        int at = Random.Next(Math.Max(1, dims)), other = (at + 1) % Math.Max(1, dims);
        if (layout == "transposed" && dims == 1)
        {
            layout = "sliced";
        }

        Count(layout);
        return layout switch
        {
            "transposed" => x.transpose(at, other).contiguous().transpose(at, other),
            "sliced" => stack([x, x.flip(0)], -1).select(-1, 0),
            "storage offset" => cat([x.narrow(at, 0, 1), x], at).narrow(at, 1, x.size(at)),
            "expanded" => x.narrow(at, 0, 1).expand(x.shape),
            _ => x,
        };
    }

    /// <summary>Now and then some elements become masks, NaN, infinities or far numbers; answers whether they did.</summary>
    internal bool Edges(ref Tensor x, params ReadOnlySpan<double> edges)
    {
        if (x.numel() == 0 || !OneIn(8))
        {
            return false;
        }

        Count("with edges");
        double[] values = ElementAccess.Values(x);
        int every = Of(1, 2, 5, 40);
        double edge = Of(edges);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = Random.Next(every) == 0 ? edge : values[i];
        }

        x = ElementAccess.FromValues(values, x);
        return true;
    }

    internal void Count(string what) => counts.AddOrUpdate(what, 1, (_, n) => n + 1);

    /// <summary>Neighbouring numbers give unrelated generators.</summary>
    private static int Mixed(int seed, long number)
    {
        ulong z = ((ulong)(uint)seed << 40) + ((ulong)number * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (int)((z ^ (z >> 31)) & int.MaxValue);
    }
}
