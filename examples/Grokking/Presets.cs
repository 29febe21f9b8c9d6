namespace Grokking;

/// <summary>A curve: a name that is also its folder's, a title for people, and what is run.</summary>
internal sealed record Run(string Name, string Title, Experiment Experiment);

/// <summary>Runs that belong in one picture.</summary>
/// <param name="Name">The paper's figure, or a bar of this project's.</param>
/// <param name="Expect">What to expect, and for how long, on two cores.</param>
/// <param name="Epochs">Full-batch steps of each run.</param>
/// <param name="Runs">The curves.</param>
internal sealed record Preset(string Name, string Expect, int Epochs, params Run[] Runs)
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
        new("story", "Without decay AdamW memorises and never generalises; with perpGrad it generalises, and so it does with well-tuned weight decay.", 300,
            new("adamw", "AdamW", Addition),
            new("perpgrad", "AdamW + perpGrad", Addition with { PerpGrad = true }),
            new("stablemax-perpgrad", "AdamW + perpGrad + StableMax", Addition with { PerpGrad = true, Loss = LossName.Stablemax }),
            new("weight-decay", "AdamW, weight decay 4", Addition with { WeightDecay = 4 })),

        new("1a", "perpGrad generalises at about epoch 120, AdamW alone never.", 300,
            new("adamw", "AdamW", Addition),
            new("perpgrad", "AdamW + perpGrad", Addition with { PerpGrad = true })),

        new("1b", "StableMax alone, no decay: 5 % at 20k epochs, half at 35k, 98 % at 75k; the weights grow all the while.", 80_000,
            new Run("stablemax", "StableMax", Addition with { Loss = LossName.Stablemax, Eps = TinyEps })) { LogEvery = 500 },

        new("1c", "Softmax in float64, no decay: memorised at once, never generalises.", 80_000,
            new Run("softmax-f64", "softmax, float64", Addition with { LossDtype = LossDtype.F64, Beta2 = 0.99, Eps = TinyEps })) { LogEvery = 500 },

        Precision("2a", 0.4, 1e-30, "40 % of the pairs: all precisions memorise and stay near 0 %."),
        Precision("2b", 0.6, TinyEps, "60 % of the pairs: each precision stops where its softmax collapses; more bits, later and higher (15, 30, 53 % in the paper)."),
        Precision("2c", 0.7, TinyEps, "70 % of the pairs: the same, higher (48, 67, 90 % in the paper)."),

        new("4", "StableMax alone generalises on three tasks: parity by 25k epochs, addition and multiplication by 100k; the norms grow.", 100_000,
            new("add", "addition", Addition with { Loss = LossName.Stablemax, Eps = TinyEps }),
            new("mul", "multiplication", Addition with { Task = TaskName.Mul, Loss = LossName.Stablemax, Eps = TinyEps }),
            new("parity", "sparse parity", Parity with { Loss = LossName.Stablemax })) { LogEvery = 500 },

        new("6a", "A transformer on subtraction: perpGrad generalises by about epoch 600, weight decay 1.5 by 1400, AdamW alone never.", 1500,
            new("adamw", "AdamW", Subtraction()),
            new("weight-decay", "AdamW, weight decay 1.5", Subtraction() with { WeightDecay = 1.5 }),
            new("perpgrad", "AdamW + perpGrad", Subtraction() with { PerpGrad = true })) { LogEvery = 20 },

        new("6b", "perpGrad generalises under AdamW with softmax by epoch 250, under SGD with StableMax by 400; AdamW alone never.", 500,
            new("adamw", "AdamW", Addition with { LearningRate = 0.005, Beta2 = 0.99, Eps = TinyEps }),
            new("perpgrad", "AdamW + perpGrad", Addition with { LearningRate = 0.005, PerpGrad = true }),
            new("sgd-stablemax-perpgrad", "SGD + perpGrad + StableMax",
                Addition with { Optimizer = OptimizerName.Sgd, LearningRate = 10, Momentum = 0.8, PerpGrad = true, Loss = LossName.Stablemax })),

        new("B1", "perpGrad: at least 99 % by epoch 200 with each seed; AdamW alone: below 5 % at 300, all training pairs known.", 300,
            new("adamw", "AdamW", Addition),
            new("perpgrad", "AdamW + perpGrad", Addition with { PerpGrad = true })) { Seeds = ThreeSeeds, StopAt = 0.99 },

        new("B2", "perpGrad with StableMax: at least 99 % by epoch 500 (parity) and 300 (p = 59) with each seed.", 500,
            new("parity", "sparse parity", Parity with { Eps = 1e-8, PerpGrad = true, Loss = LossName.Stablemax }),
            new("addition", "addition modulo 59", Small with { TrainFraction = 0.5, PerpGrad = true, Loss = LossName.Stablemax })) { Seeds = ThreeSeeds, StopAt = 0.99 },

        new("B3", "Parity without decay: StableMax passes 90 % by 16k epochs, softmax stays below 60 % while its losses become exactly zero.", 20_000,
            new("stablemax", "StableMax", Parity with { Loss = LossName.Stablemax }),
            new("softmax", "softmax", Parity)) { Seeds = ThreeSeeds, LogEvery = 100 },

        new("B4", "p = 59, 80 % of the pairs, no decay: StableMax passes 90 % by 9k epochs, softmax stays below 10 %.", 9000,
            new("stablemax", "StableMax", Small with { TrainFraction = 0.8, Loss = LossName.Stablemax }),
            new("softmax", "softmax", Small with { TrainFraction = 0.8 })) { Seeds = ThreeSeeds, LogEvery = 100 },

        new("B4b", "p = 59, 75 %: float32 softmax collapses and stalls near 9 %; leave-target-out float32 keeps up with float64 and passes 1.5 times that.", 5000,
            new("softmax", "softmax, float32", Slow()),
            new("collapse-free", "collapse-free, float32", Slow() with { Loss = LossName.CollapseFree }),
            new("softmax-f64", "softmax, float64", Slow() with { LossDtype = LossDtype.F64 })) { LogEvery = 50 },
    ];

    /// <summary>One run of whatever the flags say.</summary>
    public static readonly Preset Single = new("single", "One run of the experiment that the flags describe.", 300, new Run("run", "the run", new Experiment()));

    private static Preset Precision(string figure, double fraction, double eps, string expect) => new(figure, expect, 20_000,
        [.. Enum.GetValues<LossDtype>().Select(dtype => new Run($"softmax-{dtype.ToString().ToLowerInvariant()}", $"softmax, {dtype.ToString().ToLowerInvariant()}",
            Addition with { TrainFraction = fraction, LearningRate = 5e-4, Beta2 = 0.99, Eps = eps, LossDtype = dtype }))]) { LogEvery = 250 };

    private static Experiment Subtraction() => new() { Task = TaskName.Sub, Model = ModelName.Transformer, LearningRate = 1e-3, Dropout = 0.1 };

    private static Experiment Slow() => Small with { TrainFraction = 0.75, LearningRate = 1e-3, Beta2 = 0.99, Eps = TinyEps };
}
