using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>What targets a case has.</summary>
public enum TargetKind
{
    Classes,
    Sparse,
    Dense,
}

/// <summary>One way of calling a linear cross-entropy.</summary>
public sealed record LinearCrossEntropyCase
{
    public CrossEntropyLink Link { get; init; } = CrossEntropyLink.Softmax;

    public TargetKind Kind { get; init; }

    public bool Bias { get; init; }

    public bool Weighted { get; init; }

    public bool TokenWeighted { get; init; }

    public double? Softcap { get; init; }

    public double Scale { get; init; } = 1;

    public long Shift { get; init; }

    public double ZLoss { get; init; }

    public double Smoothing { get; init; }

    public Reduction Reduction { get; init; } = Reduction.Mean;

    /// <summary>Every so manieth token is ignored, every second for 2; 0 is none.</summary>
    public int IgnoredEvery { get; init; }

    public LinearCrossEntropyMode Mode { get; init; }

    /// <summary>Every value of every option with every value of every other, in few cases.</summary>
    public static LinearCrossEntropyCase[] Pairs { get; } = [.. Cover(all: [.. Values.Select(v => v.Length)]).Select(FromChoices)];

    private static object[][] Values =>
    [
        [CrossEntropyLink.Softmax, CrossEntropyLink.StableMax],
        [TargetKind.Classes, TargetKind.Sparse, TargetKind.Dense],
        [false, true],
        [false, true],
        [false, true],
        [0.0, 2.5],
        [1.0, 0.7],
        [0L, 1L],
        [0.0, 0.3],
        [0.0, 0.1, 0.9],
        [Reduction.Mean, Reduction.Sum, Reduction.None],
        [0, 3],
        [LinearCrossEntropyMode.Auto, LinearCrossEntropyMode.Recompute],
    ];

    internal Tensor Of(LinearCrossEntropyData data) => Of(data, data.Input, data.Weight, data.Bias);

    internal Tensor Of(LinearCrossEntropyData data, Tensor input, Tensor weight, Tensor? bias) =>
        F.linear_cross_entropy(input, weight, data.Target, bias, data.ClassWeight, Reduction, -100, Smoothing, Options(data));

    internal LinearCrossEntropyOptions Options(LinearCrossEntropyData data) => new()
    {
        link = Link,
        softcap = Softcap,
        logit_scale = Scale,
        shift = Shift,
        z_loss = ZLoss,
        token_weights = data.TokenWeights,
        target_probabilities = data.Probabilities,
        mode = Mode,
    };

    private static LinearCrossEntropyCase FromChoices(int[] choice)
    {
        T Value<T>(int option) => (T)Values[option][choice[option]];
        double softcap = Value<double>(5);
        return new()
        {
            Link = Value<CrossEntropyLink>(0),
            Kind = Value<TargetKind>(1),
            Bias = Value<bool>(2),
            Weighted = Value<bool>(3),
            TokenWeighted = Value<bool>(4),
            Softcap = softcap == 0 ? null : softcap,
            Scale = Value<double>(6),
            Shift = Value<long>(7),
            ZLoss = Value<double>(8),
            Smoothing = Value<double>(9),
            Reduction = Value<Reduction>(10),
            IgnoredEvery = Value<int>(11),
            Mode = Value<LinearCrossEntropyMode>(12),
        };
    }

    /// <summary>Choices until every pair of values has been together: of random ones always that which has most new pairs.</summary>
    private static IEnumerable<int[]> Cover(int[] all)
    {
        var random = new Random(1);
        HashSet<(int, int, int, int)> missing =
        [
            .. from a in Enumerable.Range(0, all.Length)
               from b in Enumerable.Range(a + 1, all.Length - a - 1)
               from i in Enumerable.Range(0, all[a])
               from j in Enumerable.Range(0, all[b])
               select (a, i, b, j),
        ];
        while (missing.Count > 0)
        {
            var (firstOption, first, secondOption, second) = missing.First();
            int[] best = Enumerable.Range(0, 40).Select(_ =>
            {
                int[] choice = [.. all.Select(count => random.Next(count))];
                (choice[firstOption], choice[secondOption]) = (first, second);
                return choice;
            }).MaxBy(choice => missing.Count(pair => IsIn(pair, choice)))!;
            missing.RemoveWhere(pair => IsIn(pair, best));
            yield return best;
        }
    }

    private static bool IsIn((int A, int I, int B, int J) pair, int[] choice) => choice[pair.A] == pair.I && choice[pair.B] == pair.J;
}

/// <summary>The tensors of a case, in one dtype.</summary>
/// <param name="Input">[..., D].</param>
/// <param name="Weight">[V, D].</param>
/// <param name="Bias">[V], or null.</param>
/// <param name="Target">As the case's kind.</param>
/// <param name="ClassWeight">[V], or null.</param>
/// <param name="TokenWeights">One per target, or null.</param>
/// <param name="Probabilities">Of sparse targets, or null.</param>
internal sealed record LinearCrossEntropyData(
    Tensor Input, Tensor Weight, Tensor? Bias, Tensor Target, Tensor? ClassWeight, Tensor? TokenWeights, Tensor? Probabilities)
{
    internal static LinearCrossEntropyData Of(LinearCrossEntropyCase sample, Random random, long[] tokens, long features, long classes, ScalarType dtype)
    {
        Tensor Normal(double spread, params long[] shape) => OperatorContract.Logits(random, shape, dtype, spread);
        long count = tokens.Aggregate(1L, (product, size) => product * size);
        var input = Normal(1, [.. tokens, features]);
        var weight = Normal(1.5 / Math.Sqrt(Math.Max(1, features)), classes, features);
        return new(
            input, weight, sample.Bias ? Normal(0.5, classes) : null, TargetOf(sample, random, tokens, count, classes, dtype),
            sample.Weighted ? Normal(1, classes).abs() + 0.1 : null, sample.TokenWeighted ? Normal(1, tokens).abs() + 0.1 : null,
            sample.Kind == TargetKind.Sparse ? Normal(1, [.. tokens, K(classes)]).abs() : null);
    }

    internal LinearCrossEntropyData To(ScalarType dtype) => new(
        Input.detach().to_type(dtype), Weight.detach().to_type(dtype), Bias?.detach().to_type(dtype), Target.is_floating_point() ? Target.to_type(dtype) : Target,
        ClassWeight?.to_type(dtype), TokenWeights?.to_type(dtype), Probabilities?.to_type(dtype));

    /// <summary>The same values, in leaves that require grad.</summary>
    internal LinearCrossEntropyData Leaves() => this with
    {
        Input = Input.detach().requires_grad_(),
        Weight = Weight.detach().requires_grad_(),
        Bias = Bias?.detach().requires_grad_(),
    };

    internal Tensor[] Parameters => Bias is null ? [Input, Weight] : [Input, Weight, Bias];

    private static long K(long classes) => Math.Min(3, classes);

    private static Tensor TargetOf(LinearCrossEntropyCase sample, Random random, long[] tokens, long count, long classes, ScalarType dtype)
    {
        if (sample.Kind == TargetKind.Dense)
        {
            var size = OperatorContract.Logits(random, [.. tokens, classes], ScalarType.Float64, 2).relu();
            return (size / (size.sum(-1, keepdim: true) + 1e-3)).to_type(dtype);
        }

        bool IsIgnored(long i) => sample.IgnoredEvery > 0 && i % sample.IgnoredEvery == sample.IgnoredEvery - 1;
        if (sample.Kind == TargetKind.Classes)
        {
            return tensor([.. Enumerable.Range(0, (int)count).Select(i => IsIgnored(i) ? -100 : random.NextInt64(classes))], tokens);
        }

        long k = K(classes);
        var numbers = new long[count * k];
        for (long i = 0; i < count; i++)
        {
            long first = random.NextInt64(classes);
            for (long j = 0; j < k; j++)
            {
                numbers[(i * k) + j] = IsIgnored(i) || (j > 0 && i % 4 == 1) ? -100 : (first + (j * (classes / k))) % classes; // every fourth names one class only
            }
        }

        return tensor(numbers, [.. tokens, k]);
    }
}
