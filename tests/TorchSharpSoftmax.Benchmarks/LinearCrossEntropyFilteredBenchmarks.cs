using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>A head, and what of its gradient is left out.</summary>
internal sealed record FilteredCase(Head Head, bool Unbiased, int MostRounds) : ICase
{
    /// <summary>Nanoseconds to a millisecond.</summary>
    public double Units => 1e6;

    public LinearCrossEntropyFilter Filter(int round) => Unbiased
        ? LinearCrossEntropyFilter.Stochastic(LinearCrossEntropyFiltered.Threshold, round)
        : LinearCrossEntropyFilter.Threshold(LinearCrossEntropyFiltered.Threshold);

    public override string ToString() => $"{Head}, {(Unbiased ? "unbiased" : "threshold")}";
}

/// <summary>linear_cross_entropy with a filter, on probabilities such as a trained model's: what it saves, and what it costs in exactness.</summary>
internal static class LinearCrossEntropyFiltered
{
    internal const double Threshold = 1.0 / 4096;

    internal static readonly Table Table = new(
        "linear-cross-entropy",
        "linear_cross_entropy that leaves out what of the logits' gradient is below 2^-12, or draws it (unbiased), beside libtorch and beside our own exact one, forward and backward. Logits "
        + "are made as peaked as a trained model's: 1.5 (1.5 z - ln(class)), z ~ N(0, 1) of rank 32; targets are drawn from their probabilities. Errors are relative, in the Frobenius "
        + "norm, to our own exact gradients.",
        Torch, "libtorch, ms",
    [
        new("filtered / libtorch", Filtered, Torch, new("linear_cross_entropy that leaves out what is below 2^-12", "libtorch's linear and cross_entropy")),
        new Between("filtered / our exact", Filtered, Exact),
        new Amount("kept", Kept, "0.0 %"),
        new Amount("error of the input's gradient", InputError, "0.0e-0"),
        new Amount("error of the weight's gradient", WeightError, "0.0e-0"),
        new Amount("p >= 2^-12, per token", Above, "0"),
        new Amount("probability below", Below, "0.0 %"),
    ], Cases: "tokens x features x classes", WithBlocksKept: true, Measure: Measure, TimeFormat: "0.0");

    private const string Torch = "torch", Exact = "exact", Filtered = "filtered", Kept = "kept", InputError = "input", WeightError = "weight", Above = "above", Below = "below";

    private static readonly FilteredCase[] Cases =
    [
        .. from head in (Head[])[Head.Common, new(1024, 896, 151936)]
           from unbiased in (bool[])[false, true]
           select new FilteredCase(head, unbiased, head == Head.Common ? 3 : 1),
    ];

    /// <summary>Targets are drawn once.</summary>
    private static readonly Dictionary<Head, Drawn> s_drawn = [];

    private static IEnumerable<Measurement> Measure(int round, Func<ICase, bool> wanted) =>
        Cases.Where(row => wanted(row) && (row.Head == Head.Common || get_num_threads() > 1)).GroupBy(row => row.Head).SelectMany(rows => Measure(rows.Key, [.. rows], round));

    /// <summary>libtorch and the exact one are measured once for all filters of a head.</summary>
    private static List<Measurement> Measure(Head head, FilteredCase[] rows, int round)
    {
        HeadTensors.WarmUp();
        var found = new List<Measurement>();
        if (round == 0)
        {
            HeadTensors.TouchMemory(head);
        }

        using HeadTensors tensors = Trained(head);
        if (round == 0)
        {
            found.AddRange(rows.SelectMany(row => Quality(row, tensors)));
        }

        Measurement[] times =
        [
            .. Turns.Take<float>(typeof(LinearCrossEntropyFiltered), rows[0], round, 6 * head.Products,
            [
                new(Torch, tensors.Torch),
                new(Exact, () => tensors.Ours()),
                .. rows.Select(row => new Turn(row.ToString(), () => tensors.Ours(new() { filter = row.Filter(round) }))),
            ]),
        ];
        foreach (FilteredCase row in rows)
        {
            found.AddRange(times.Where(time => time.Variant is Torch or Exact).Select(time => time with { Case = row }));
            found.Add(times.Single(time => time.Variant == row.ToString()) with { Case = row, Variant = Filtered });
        }

        return found;
    }

    private static IEnumerable<Measurement> Quality(FilteredCase row, HeadTensors tensors)
    {
        using var scope = NewDisposeScope();
        _ = Gradients(tensors, default, out Tensor exactInput, out Tensor exactWeight);
        double kept = Gradients(tensors, row.Filter(0), out Tensor input, out Tensor weight);
        Drawn drawn = s_drawn[row.Head];
        (string Variant, double Value)[] all =
        [
            (Kept, kept), (InputError, Error(input, exactInput)), (WeightError, Error(weight, exactWeight)), (Above, drawn.AbovePerToken), (Below, drawn.Below),
        ];
        return all.Select(one => new Measurement(typeof(LinearCrossEntropyFiltered), row, one.Variant, 0, one.Value));
    }

    private static double Gradients(HeadTensors tensors, LinearCrossEntropyFilter filter, out Tensor input, out Tensor weight)
    {
        using LinearCrossEntropyOutputs outputs = functional.linear_cross_entropy_outputs(
            tensors.Input, tensors.Weight, tensors.Target, LinearCrossEntropyResults.None, tensors.Bias, options: new() { filter = filter });
        outputs.loss.backward();
        (input, weight) = (tensors.Input.grad!, tensors.Weight.grad!);
        tensors.Forget();
        return outputs.kept_share;
    }

    private static double Error(Tensor gradient, Tensor exact) => (gradient.sub_(exact).norm() / exact.norm()).item<float>();

    /// <summary>Tokens and classes in 32 dims each, which make the logits; noise in the others, for a weight of full rank; Zipf's law as a bias.</summary>
    private static HeadTensors Trained(Head head)
    {
        const int rank = 32;
        const float deviation = 1.5f, sharpness = 1.5f, noise = 0.3f;
        using var scope = NewDisposeScope();
        manual_seed(1);
        long others = head.Features - rank;
        float small = MathF.Sqrt(noise / MathF.Sqrt(others));
        Tensor input = cat([randn(head.Tokens, rank), Workload.Normal([head.Tokens, others], small)], 1);
        Tensor weight = cat([randn(head.Classes, rank) * (sharpness * deviation / MathF.Sqrt(rank)), Workload.Normal([head.Classes, others], small)], 1);
        Tensor bias = arange(1, head.Classes + 1, ScalarType.Float32).log() * -sharpness;
        if (!s_drawn.TryGetValue(head, out Drawn? drawn))
        {
            s_drawn[head] = drawn = Draw(input, weight, bias);
        }

        Tensor target = tensor(drawn.Targets);
        return new(input.DetachFromDisposeScope(), weight.DetachFromDisposeScope(), target.DetachFromDisposeScope(), bias.DetachFromDisposeScope());
    }

    /// <summary>A target for each token, of the probabilities that the head gives it.</summary>
    private static Drawn Draw(Tensor input, Tensor weight, Tensor bias)
    {
        const long atOnce = 256;
        var random = new Random(1);
        var targets = new List<long>();
        long above = 0;
        double below = 0;
        for (long first = 0; first < input.size(0); first += atOnce)
        {
            using var scope = NewDisposeScope();
            Tensor p = functional.linear(input.narrow(0, first, Math.Min(atOnce, input.size(0) - first)), weight, bias).softmax(-1);
            ReadOnlySpan<float> all = MemoryMarshal.Cast<byte, float>(p.bytes);
            int classes = (int)p.size(1);
            for (; all.Length > 0; all = all[classes..])
            {
                double left = random.NextDouble();
                int target = -1;
                for (int v = 0; v < classes; v++)
                {
                    (above, below) = all[v] >= Threshold ? (above + 1, below) : (above, below + all[v]);
                    left -= all[v];
                    target = left < 0 && target < 0 ? v : target;
                }

                targets.Add(Math.Max(target, 0));
            }

            GC.KeepAlive(p);
        }

        return new([.. targets], (double)above / targets.Count, below / targets.Count);
    }

    private sealed record Drawn(long[] Targets, double AbovePerToken, double Below);
}
