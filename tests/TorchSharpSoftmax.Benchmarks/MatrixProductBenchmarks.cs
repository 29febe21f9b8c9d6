using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>[rows, length] x [length, columns], the second of which may lie transposed.</summary>
internal sealed record ProductCase(long Rows, long Length, long Columns, bool Transposed, ScalarType Dtype) : ICase
{
    /// <summary>Nanoseconds to a millisecond.</summary>
    public double Units => 1e6;

    public double Operations => 2.0 * Rows * Length * Columns;

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"[{Rows} x {Length}] x {(Transposed ? $"[{Columns} x {Length}]^T" : $"[{Length} x {Columns}]")}{(Dtype == ScalarType.Float32 ? "" : " " + Dtype.ToString().ToLowerInvariant())}");
}

/// <summary>The product that linear_cross_entropy's kernels are made of, by itself.</summary>
internal static class MatrixProduct
{
    internal static readonly Table Table = new(
        "linear-cross-entropy",
        "The managed product of matrices beside libtorch's mm, both into an output that exists; the FMA peak is measured between the two.",
        Torch, "libtorch, ms",
    [
        new("ours / libtorch", Ours, Torch, new("GemmKernels, a product of matrices by itself", "libtorch's mm, into an output that exists")),
        Turns.PeakColumn,
        Turns.ShareOfPeak("ours, of the FMA peak", Ours),
        Turns.ShareOfPeak("libtorch, of the FMA peak", Torch),
    ], Cases: "product", Measure: Measure, TimeFormat: "0.0");

    private const string Torch = "torch", Ours = "ours";

    /// <summary>A head's logits, a gradient of its weight, a square; both types.</summary>
    private static readonly ProductCase[] Cases =
    [
        .. from dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64]
           from row in (ProductCase[])[new(2048, 768, 4096, true, dtype), new(4096, 2048, 768, false, dtype), new(1024, 1024, 1024, false, dtype)]
           select row,
    ];

    private static IEnumerable<Measurement> Measure(int round, Func<ICase, bool> wanted) => Cases.Where(row => wanted(row)).SelectMany(row =>
        row.Dtype == ScalarType.Float64 ? Measure<double>(row, round) : Measure<float>(row, round));

    private static IEnumerable<Measurement> Measure<T>(ProductCase row, int round) where T : unmanaged
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        Tensor a = Workload.Normal([row.Rows, row.Length], 1, row.Dtype);
        Tensor b = Workload.Normal(row.Transposed ? [row.Columns, row.Length] : [row.Length, row.Columns], 1, row.Dtype);
        Tensor c = zeros([row.Rows, row.Columns], row.Dtype), view = row.Transposed ? b.t() : b;
        int threads = get_num_threads();
        Turn ours = new(Ours, () => GemmKernels.Multiply<T, T>(
            Elements<T>(a), Elements<T>(b), Elements<T>(c), (nint)row.Rows, (nint)row.Columns, (nint)row.Length, transposeB: row.Transposed, threads: threads));
        Turn torch = new(Torch, () => Peer.MatrixProductOut(a, view, c));
        ours.Call();
        return Turns.Take<T>(typeof(MatrixProduct), row, round, row.Operations, Peer.IsThere ? [ours, torch] : [ours]);
    }

    private static Span<T> Elements<T>(Tensor t) where T : unmanaged => MemoryMarshal.CreateSpan(ref Unsafe.As<byte, T>(ref MemoryMarshal.GetReference(t.bytes)), (int)t.numel());
}
