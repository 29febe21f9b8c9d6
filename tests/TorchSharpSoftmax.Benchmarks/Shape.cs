using System.Globalization;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>Outer x length x inner elements; an operator runs along the middle. Inner = 1 is the last dimension.</summary>
public sealed record Shape(long Outer, long Length, long Inner = 1, ScalarType Dtype = ScalarType.Float32) : ICase
{
    public long Elements => Outer * Length * Inner;

    public double Units => Elements;

    public int ElementSize => Dtype switch { ScalarType.Float64 => 8, ScalarType.Float32 => 4, _ => 2 };

    public long[] Sizes => Inner == 1 ? [Outer, Length] : [Outer, Length, Inner];

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
