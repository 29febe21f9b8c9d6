using System.Globalization;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>Outer x length x inner elements; softmax runs along the middle. Inner = 1 is the last dimension.</summary>
public sealed record Shape(long Outer, long Length, long Inner = 1, ScalarType Dtype = ScalarType.Float32)
{
    public long Elements => Outer * Length * Inner;

    public int ElementSize => Dtype switch { ScalarType.Float64 => 8, ScalarType.Float32 => 4, _ => 2 };

    public long[] Sizes => Inner == 1 ? [Outer, Length] : [Outer, Length, Inner];

    /// <summary>From a row that fits L1 to one that fits no cache, then the row-wise shapes of models, then another dim and another dtype.</summary>
    public static IEnumerable<Shape> All =>
    [
        .. Enumerable.Range(0, 9).Select(i => new Shape(1, 1024L << (2 * i))),
        new(32768, 100), new(4096, 1024), new(1024, 32000), new(256, 50257), new(64, 256000),
        new(64, 1000, 256),
        new(1, 1 << 24, 1, ScalarType.BFloat16), new(1, 1 << 26, 1, ScalarType.BFloat16), new(1024, 32000, 1, ScalarType.BFloat16),
        new(1, 1 << 22, 1, ScalarType.Float64),
    ];

    public override string ToString()
    {
        string sizes = string.Join(" x ", Sizes.Select(Size));
        return sizes + (Inner == 1 ? "" : " dim 1") + (Dtype == ScalarType.Float32 ? "" : " " + Dtype.ToString().ToLowerInvariant());
    }

    private static string Size(long n) => n switch
    {
        >= 1 << 20 when n % (1 << 20) == 0 => $"{n >> 20} Mi",
        >= 1 << 10 when long.IsPow2(n) => $"{n >> 10} Ki",
        _ => n.ToString(CultureInfo.InvariantCulture),
    };
}
