using System.Globalization;
using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>Random dtypes, ranks, dims and layouts against libtorch, every class drawn equally often.</summary>
public sealed class RandomComparisonTests(ITestOutputHelper output)
{
    private static readonly int Cases = 4 * 4 * 6 * 6 * SoftmaxOperator.All.Length; // whole cycles of dtype, rank, layout and operator

    private static readonly ScalarType[] Dtypes = [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16];
    private static readonly string[] Layouts = ["contiguous", "expanded", "transposed", "sliced", "zero-size", "storage offset"];

    [Fact]
    public void Random_shapes_strides_dtypes_and_dims_agree_with_libtorch()
    {
        string? given = Environment.GetEnvironmentVariable("TORCHSHARPSOFTMAX_TEST_SEED");
        int seed = given is null ? Environment.TickCount & 0xFFFFFF : int.Parse(given, CultureInfo.InvariantCulture);
        Say($"seed {seed} (TORCHSHARPSOFTMAX_TEST_SEED={seed} repeats this run)");
        var random = new Random(seed);
        var counts = new SortedDictionary<string, int>();
        for (int i = 0; i < Cases; i++)
        {
            // dtype, rank, layout and operator are counted through, so that every combination is equally frequent
            var dtype = Dtypes[i % 4];
            int rank = i / 4 % 6;
            string layout = Layouts[i / 24 % 6];
            var op = SoftmaxOperator.All[i / 144 % SoftmaxOperator.All.Length];
            using var scope = NewDisposeScope();
            var x = Draw(random, dtype, rank, ref layout);
            int dims = Math.Max(1, rank), dim = random.Next(dims);
            bool negative = random.Next(2) == 0;
            var algorithm = (SoftmaxAlgorithm)random.Next(3);
            op.Check(
                $"seed {seed} case {i} {dtype} {layout} {Check.Text(x.shape)} strides {Check.Text(x.stride())}", x, negative ? dim - dims : dim, algorithm, random);
            foreach (string key in (string[])[$"dtype {dtype}", $"rank {rank}", $"dim {dim}", $"layout {layout}", $"operator {op}", $"algorithm {algorithm}"])
            {
                counts[key] = counts.GetValueOrDefault(key) + 1;
            }
        }

        Say($"{Cases} cases: {string.Join(", ", counts.Select(pair => $"{pair.Key}: {pair.Value}"))}");
        Assert.All(Dtypes, dtype => Assert.Equal(Cases / 4, counts[$"dtype {dtype}"]));
        Assert.All(Enumerable.Range(0, 6), rank => Assert.Equal(Cases / 6, counts[$"rank {rank}"]));
        Assert.All(Layouts, layout => Assert.InRange(counts[$"layout {layout}"], Cases / 10, Cases / 3));
    }

    /// <summary>A tensor of the layout asked for; where a rank has none (no 0-d tensor is sliced), the nearest it has.</summary>
    private static Tensor Draw(Random random, ScalarType dtype, int rank, ref string layout)
    {
        var shape = new long[rank];
        for (int i = 0, wide = random.Next(2 * Math.Max(rank, 1)); i < rank; i++)
        {
            shape[i] = i == wide ? random.Next(30, 300) : random.Next(1, 6); // wide in one dim at most, past every vector
        }

        double spread = random.Next(3) switch { 0 => 0.1, 1 => 2, _ => 12 };
        if (rank == 0)
        {
            layout = layout is "contiguous" or "zero-size" or "expanded" or "transposed" ? "contiguous" : "storage offset";
            var cells = OperatorContract.Logits(random, [5], dtype, spread);
            return layout == "contiguous" ? cells.narrow(0, 2, 1).clone().view([]) : cells.as_strided([], [], 3);
        }

        int at = random.Next(rank);
        switch (layout)
        {
            case "expanded":
                long size = shape[at];
                shape[at] = 1;
                var narrow = OperatorContract.Logits(random, shape, dtype, spread);
                shape[at] = size + 1;
                return narrow.expand(shape);
            case "transposed":
                if (rank == 1)
                {
                    layout = "sliced";
                    goto case "sliced";
                }

                shape[at] = Math.Max(2, shape[at]);
                return OperatorContract.Logits(random, shape, dtype, spread).transpose(at, (at + 1) % rank);
            case "sliced":
                shape[at] = (2 * shape[at]) + 1;
                return OperatorContract.Logits(random, shape, dtype, spread).slice(at, 1, shape[at], 2);
            case "zero-size":
                shape[at] = 0;
                return OperatorContract.Logits(random, shape, dtype, spread);
            case "storage offset":
                shape[0] += 2;
                return OperatorContract.Logits(random, shape, dtype, spread).narrow(0, 2, shape[0] - 2);
            default:
                return OperatorContract.Logits(random, shape, dtype, spread);
        }
    }

    private void Say(string text)
    {
        output.WriteLine(text);
        Console.WriteLine(text);
    }
}
