using System.Globalization;

namespace LanguageModel;

/// <summary>Everything that decides what is learnt, but for the loss's way of calculating.</summary>
internal sealed record Experiment
{
    public int Width { get; init; } = 128;

    public int Blocks { get; init; } = 2;

    public int Heads { get; init; } = 4;

    /// <summary>Tokens that a window has.</summary>
    public int Context { get; init; } = 32;

    /// <summary>Windows that a step learns from.</summary>
    public int Batch { get; init; } = 32;

    public bool Bias { get; init; } = true;

    public double LearningRate { get; init; } = 0.003;

    /// <summary>Steps in which the learning rate rises to its full height.</summary>
    public int Warmup { get; init; } = 20;

    public double WeightDecay { get; init; } = 0.01;

    public int Seed { get; init; }

    /// <summary>Tokens of a step: the rows of hidden values that meet the head.</summary>
    public int Tokens => Batch * Context;

    /// <summary>Refuses what cannot be meant, before anything runs.</summary>
    public void Check()
    {
        if (Width % Heads != 0)
        {
            throw new ArgumentException($"'--width' is '{Width}'; a multiple of the {Heads} heads of '--heads' is required.");
        }
    }

    /// <summary>Refuses a text that is too short.</summary>
    public void Check(Text text)
    {
        int windows = (text.Train.Length - 1) / Context;
        if (windows < Batch || text.Validation.Length <= Context)
        {
            throw new ArgumentException(
                $"'--wordnet' has {text.Definitions} definitions, enough for {windows} windows of '--context'; at least the {Batch} of '--batch' are required, and one of the definitions held out.");
        }
    }

    /// <summary>Which settings two experiments do not share, in words; empty where they are the same.</summary>
    public string Differences(Experiment other) => string.Join("; ", typeof(Experiment).GetProperties()
        .Where(p => p.CanWrite && !Equals(p.GetValue(this), p.GetValue(other)))
        .Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Name} {p.GetValue(this)} and not {p.GetValue(other)}")));
}
