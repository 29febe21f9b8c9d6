using System.Diagnostics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>A way of training: a loss, and what happens to the gradients before AdamW sees them.</summary>
internal sealed record Training(string Name, Func<Tensor, Tensor, Tensor> Loss, Action<IEnumerable<Parameter>> Project) : ICase
{
    /// <summary>Nanoseconds to a millisecond.</summary>
    public double Units => 1e6;

    public override string ToString() => Name;
}

/// <summary>
/// An epoch of the grokking example (p = 113, 40 % of the pairs, 226-200-200-113): which part takes how long. The loss is timed with its own backward, the
/// model's backward without it; one forward, one backward, as in training.
/// </summary>
internal static class GrokkingEpoch
{
    internal static readonly Table Table = new(
        "grokking-epoch",
        "An epoch of the grokking example's network (p = 113, 5107 pairs, full batch), and the share of it that each part takes: the loss with its own backward, the model's backward without it.",
        Epoch, "epoch, ms",
    [
        new Share("forward", Forward, Epoch),
        new Share("loss", Loss, Epoch),
        new Share("backward", Backward, Epoch),
        new Share("perpGrad", Project, Epoch),
        new Share("AdamW", Step, Epoch),
    ], Cases: "training", Measure: Measure);

    private const int P = 113, Pairs = 5107, WarmUp = 3, Epochs = 15;

    private const string Epoch = "epoch", Forward = "forward", Loss = "loss", Backward = "backward", Project = "project", Step = "step";

    private static readonly Training[] Trainings =
    [
        new("cross_entropy", static (x, t) => functional.cross_entropy(x, t), static _ => { }),
        new("cross_entropy, perpGrad", static (x, t) => functional.cross_entropy(x, t), static p => nn.utils.perp_grad_(p)),
        new("collapse_free_cross_entropy, perpGrad", static (x, t) => functional.collapse_free_cross_entropy(x, t), static p => nn.utils.perp_grad_(p)),
        new("stablemax_cross_entropy, perpGrad", static (x, t) => functional.stablemax_cross_entropy(x, t), static p => nn.utils.perp_grad_(p)),
        new("the paper's float64 StableMax and perpGrad, composed", Composition.ReferenceStableMaxCrossEntropy, Composition.PerpGrad),
    ];

    private static IEnumerable<Measurement> Measure(int round, Func<ICase, bool> wanted)
    {
        Training[] trainings = [.. Trainings.Where(training => wanted(training))], order = [.. trainings];
        new Random(1000 + round).Shuffle(order);
        var medians = order.ToDictionary(training => training, Medians);
        return from training in trainings from part in medians[training] select new Measurement(typeof(GrokkingEpoch), training, part.Key, round, part.Value);
    }

    private static Dictionary<string, double> Medians(Training training)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        Tensor pairs = randperm(P * P, dtype: ScalarType.Int64).narrow(0, 0, Pairs);
        Tensor a = pairs.div(P, RoundingMode.floor).to(ScalarType.Int64), b = pairs.remainder(P);
        Tensor input = cat([functional.one_hot(a, P), functional.one_hot(b, P)], 1).to(ScalarType.Float32), target = (a + b).remainder(P);
        using Sequential model = Sequential(
            Linear(2 * P, 200, hasBias: false), ReLU(), Linear(200, 200, hasBias: false), ReLU(), Linear(200, P, hasBias: false));
        using AdamW optimizer = optim.AdamW(model.parameters(), lr: 0.01);
        Parameter[] parameters = [.. model.parameters()];

        var times = new Dictionary<string, List<double>>();
        for (int epoch = -WarmUp; epoch < Epochs; epoch++)
        {
            using var inner = NewDisposeScope();
            long start = Stopwatch.GetTimestamp(), last = start;
            void Took(string part, long since)
            {
                last = Stopwatch.GetTimestamp();
                if (epoch >= 0)
                {
                    (times.TryGetValue(part, out List<double>? list) ? list : times[part] = []).Add(Stopwatch.GetElapsedTime(since, last).TotalNanoseconds);
                }
            }

            optimizer.zero_grad();
            Tensor logits = model.call(input);
            Took(Forward, last);
            Tensor leaf = logits.detach().requires_grad_();
            training.Loss(leaf, target).backward();
            Took(Loss, last);
            autograd.backward([logits], [leaf.grad!]);
            Took(Backward, last);
            training.Project(parameters);
            Took(Project, last);
            optimizer.step();
            Took(Step, last);
            Took(Epoch, start);
        }

        return times.ToDictionary(part => part.Key, part => Report.Median([.. part.Value.Order()]));
    }
}
