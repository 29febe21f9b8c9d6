using TorchSharpSoftmax.Examples;

namespace Grokking;

/// <summary>A curve: a name that is also its folder's, a title for people, and what is run.</summary>
internal sealed record Run(string Name, string Title, Experiment Experiment);

/// <summary>Runs that belong in one picture.</summary>
/// <param name="Name">The paper's figure, or a bar of this project's.</param>
/// <param name="Takes">How long it takes with one thread of a two-core machine.</param>
/// <param name="Epochs">Full-batch steps of each run.</param>
/// <param name="Expect">What to expect.</param>
/// <param name="Runs">The curves.</param>
internal sealed record Preset(string Name, string Takes, int Epochs, string Expect, params Run[] Runs)
{
    public int[] Seeds { get; init; } = [0];

    public int LogEvery { get; init; } = 5;

    /// <summary>The share of unseen samples at which a run ends; above 1: never.</summary>
    public double StopAt { get; init; } = double.PositiveInfinity;
}

/// <summary>"Grokking at the Edge of Numerical Stability" by its figures' names, and the bars that this project holds itself to.</summary>
internal static class Presets
{
    // The paper's runs without perpGrad set eps so small that Adam goes on stepping when gradients die; those with it ran at PyTorch's defaults.
    private const double TinyEps = 1e-25;

    private static readonly int[] ThreeSeeds = [0, 1, 2];

    private static readonly Experiment Addition = new();

    private static readonly Experiment Small = new() { P = 59 };

    private static readonly Experiment Parity = new() { Task = TaskName.Parity, TrainFraction = 0.5, Eps = 1e-18 };

    public static readonly Preset[] All =
    [
        new("story", "about a minute", 300,
            "Without decay AdamW memorises and never generalises; with perpGrad it generalises, and so it does with well-tuned weight decay.",
            new("adamw", "AdamW", Addition),
            new("perpgrad", "AdamW + perpGrad", Addition with { PerpGrad = true }),
            new("stablemax-perpgrad", "AdamW + perpGrad + StableMax, lr 0.015", Addition with { LearningRate = 0.015, PerpGrad = true, Loss = LossName.Stablemax }),
            new("weight-decay", "AdamW, weight decay 4", Addition with { WeightDecay = 4 })) { LogEvery = 10 },

        new("1a", "half a minute", 300,
            "perpGrad generalises at about epoch 120, AdamW alone never.",
            new("adamw", "AdamW", Addition),
            new("perpgrad", "AdamW + perpGrad", Addition with { PerpGrad = true })),

        new("1b", "an hour (estimated)", 80_000,
            "StableMax alone, no decay: 5 % at 20k epochs, half at 35k, 98 % at 75k; the weights grow all the while.",
            new Run("stablemax", "StableMax", Addition with { Loss = LossName.Stablemax, Eps = TinyEps })) { LogEvery = 500 },

        new("1c", "one and a half hours (estimated)", 80_000,
            "Softmax in float64, no decay: memorised at once, never generalises.",
            new Run("softmax-f64", "softmax, float64", Addition with { LossDtype = LossDtype.F64, Beta2 = 0.99, Eps = TinyEps })) { LogEvery = 500 },

        Precision("2a", 0.4, 1e-30, "an hour (estimated)",
            "40 % of the pairs: all precisions memorise and stay near 0 %."),
        Precision("2b", 0.6, TinyEps, "an hour and a half (estimated)",
            "60 % of the pairs: each precision stops where its softmax collapses; more bits, later and higher (15, 30, 53 % in the paper)."),
        Precision("2c", 0.7, TinyEps, "an hour and a half (estimated)",
            "70 % of the pairs: the same, higher (48, 67, 90 % in the paper)."),

        new("4", "three hours (estimated)", 100_000,
            "StableMax alone generalises on three tasks: parity by 25k epochs, addition and multiplication by 100k; the norms grow.",
            new("add", "addition", Addition with { Loss = LossName.Stablemax, Eps = TinyEps }),
            new("mul", "multiplication", Addition with { Task = TaskName.Mul, Loss = LossName.Stablemax, Eps = TinyEps }),
            new("parity", "sparse parity", Parity with { Loss = LossName.Stablemax })) { LogEvery = 500 },

        new("6a", "half an hour (estimated)", 1500,
            "A transformer on subtraction: perpGrad generalises by about epoch 600, weight decay 1.5 by 1400, AdamW alone never.",
            new("adamw", "AdamW", Subtraction()),
            new("weight-decay", "AdamW, weight decay 1.5", Subtraction() with { WeightDecay = 1.5 }),
            new("perpgrad", "AdamW + perpGrad", Subtraction() with { PerpGrad = true })) { LogEvery = 20 },

        new("6b", "a minute and a half", 500,
            "perpGrad generalises under AdamW with softmax by epoch 250, under SGD with StableMax by 400; AdamW alone never.",
            new("adamw", "AdamW", Addition with { LearningRate = 0.005, Beta2 = 0.99, Eps = TinyEps }),
            new("perpgrad", "AdamW + perpGrad", Addition with { LearningRate = 0.005, PerpGrad = true }),
            new("sgd-stablemax-perpgrad", "SGD + perpGrad + StableMax",
                Addition with { Optimizer = OptimizerName.Sgd, LearningRate = 10, Momentum = 0.8, PerpGrad = true, Loss = LossName.Stablemax })),

        new("B1", "a minute", 300,
            "perpGrad: at least 99 % by epoch 200 with each seed; AdamW alone: below 5 % at 300, all training pairs known.",
            new("adamw", "AdamW", Addition),
            new("perpgrad", "AdamW + perpGrad", Addition with { PerpGrad = true })) { Seeds = ThreeSeeds, StopAt = 0.99 },

        new("B2", "half a minute", 500,
            "perpGrad with StableMax: at least 99 % by epoch 500 (parity) and 300 (p = 59) with each seed.",
            new("parity", "sparse parity", Parity with { Eps = 1e-8, PerpGrad = true, Loss = LossName.Stablemax }),
            new("addition", "addition modulo 59", Small with { TrainFraction = 0.5, LearningRate = 0.015, PerpGrad = true, Loss = LossName.Stablemax }))
        { Seeds = ThreeSeeds, StopAt = 0.99 },

        new("B3", "a quarter of an hour", 20_000,
            "Parity without decay: StableMax passes 90 % by 16k epochs, softmax stays below 60 % while its losses become exactly zero.",
            new("stablemax", "StableMax", Parity with { LearningRate = 0.0075, Loss = LossName.Stablemax }),
            new("softmax", "softmax", Parity with { LearningRate = 0.0075 })) { Seeds = ThreeSeeds, LogEvery = 100 },

        new("B4", "a quarter of an hour", 9000,
            "p = 59, 80 % of the pairs, no decay: StableMax passes 90 % by 9k epochs, softmax stays below 10 %.",
            new("stablemax", "StableMax", Small with { TrainFraction = 0.8, Loss = LossName.Stablemax }),
            new("softmax", "softmax", Small with { TrainFraction = 0.8 })) { Seeds = ThreeSeeds, LogEvery = 100 },

        new("B4b", "five minutes", 5000,
            "p = 59, 75 %: float32 softmax collapses and stalls near 9 %; leave-target-out float32 keeps up with float64 and passes 1.5 times that.",
            new("softmax", "softmax, float32", Slow()),
            new("collapse-free", "collapse-free, float32", Slow() with { Loss = LossName.CollapseFree }),
            new("softmax-f64", "softmax, float64", Slow() with { LossDtype = LossDtype.F64 })) { LogEvery = 50 },
    ];

    /// <summary>One run of whatever the flags say.</summary>
    public static readonly Preset Single = new(
        "single", "as long as it takes", 300, "One run of the experiment that the flags describe.", new Run("run", "the run", new Experiment()));

    private static Preset Precision(string figure, double fraction, double eps, string takes, string expect)
    {
        Experiment shared = Addition with { TrainFraction = fraction, LearningRate = 5e-4, Beta2 = 0.99, Eps = eps };
        var runs = Enum.GetValues<LossDtype>().Select(dtype => new Run($"softmax-{Cli.Spell(dtype)}", $"softmax, {Cli.Spell(dtype)}", shared with { LossDtype = dtype }));
        return new(figure, takes, 20_000, expect, [.. runs]) { LogEvery = 250 };
    }

    private static Experiment Subtraction() => new() { Task = TaskName.Sub, Model = ModelName.Transformer, LearningRate = 1e-3, Dropout = 0.1 };

    private static Experiment Slow() => Small with { TrainFraction = 0.75, LearningRate = 1e-3, Beta2 = 0.99, Eps = TinyEps };
}
