using System.Globalization;
using TorchSharpSoftmax;
using TorchSharpSoftmax.Examples;
using static TorchSharp.torch;

namespace Grokking;

internal enum TaskName { Add, Sub, Mul, Parity }

internal enum ModelName { Mlp, Transformer }

internal enum LossName { Softmax, Stablemax, CollapseFree }

internal enum LossDtype { F16, F32, F64 }

internal enum OptimizerName { Adamw, Sgd }

/// <summary>Everything that decides what is learnt, but for the seed. The defaults are the paper's network and PyTorch's AdamW.</summary>
internal sealed record Experiment
{
    public TaskName Task { get; init; }

    public int P { get; init; } = 113;

    public int ParityBits { get; init; } = 3;

    public int NoiseBits { get; init; } = 40;

    public int Samples { get; init; } = 2000;

    public double TrainFraction { get; init; } = 0.4;

    public ModelName Model { get; init; }

    /// <summary>0: the paper's width of the model.</summary>
    public int Hidden { get; init; }

    public double Dropout { get; init; }

    public LossName Loss { get; init; }

    public LossDtype LossDtype { get; init; } = LossDtype.F32;

    public OptimizerName Optimizer { get; init; }

    public double LearningRate { get; init; } = 0.01;

    public double Beta1 { get; init; } = 0.9;

    public double Beta2 { get; init; } = 0.999;

    public double Eps { get; init; } = 1e-8;

    public double Momentum { get; init; }

    public double WeightDecay { get; init; }

    public bool PerpGrad { get; init; }

    public PerpGradGranularity Granularity { get; init; }

    public bool Rescale { get; init; } = true;

    public int Width => Hidden > 0 ? Hidden : Model == ModelName.Mlp ? 200 : 128;

    public ScalarType Dtype => LossDtype switch
    {
        LossDtype.F16 => ScalarType.Float16,
        LossDtype.F64 => ScalarType.Float64,
        _ => ScalarType.Float32,
    };

    /// <summary>What is learnt, for titles.</summary>
    public string Describe() => Task == TaskName.Parity
        ? $"parity of {ParityBits} of {ParityBits + NoiseBits} bits, {Samples} samples"
        : $"(a {(Task == TaskName.Add ? "+" : Task == TaskName.Sub ? "-" : "*")} b) mod {P}";

    /// <summary>Refuses what cannot be meant, before anything runs.</summary>
    public void Check()
    {
        if (Model == ModelName.Transformer && Task == TaskName.Parity)
        {
            throw new ArgumentException("'--model' is 'transformer'; for '--task parity' 'mlp' is required, because the transformer knows no positions.");
        }

        if (Model == ModelName.Transformer && Width % Transformer.Heads != 0)
        {
            throw new ArgumentException($"'--hidden' is '{Hidden}'; a multiple of the transformer's {Transformer.Heads} heads is required.");
        }

        if (Model == ModelName.Mlp && Dropout > 0)
        {
            string dropout = Dropout.ToString(CultureInfo.InvariantCulture);
            throw new ArgumentException($"'--dropout' is '{dropout}'; '--model transformer' is required, for the mlp has none.");
        }
    }

    /// <summary>Which settings two experiments do not share, in words; empty where they are the same.</summary>
    public string Differences(Experiment other) => string.Join("; ", typeof(Experiment).GetProperties()
        .Where(p => p.CanWrite && !Equals(p.GetValue(this), p.GetValue(other)))
        .Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name} {p.GetValue(this)} and not {p.GetValue(other)}")));
}
