using Xunit;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>The default run: the story in a minute. Its first two runs are bar B1's with seed 0.</summary>
public sealed class GrokkingStoryTests : GrokkingBars
{
    [Fact]
    public void The_default_run_tells_who_generalises_and_draws_it()
    {
        string output = Run("--stop-at-accuracy", "0.99"); // what comes after that is a third of its time

        AssertMemorises("adamw", seed: 0);
        int perpGrad = AssertReaches(0.99, by: 200, "perpgrad", seed: 0);
        int stableMax = AssertReaches(0.99, by: 300, "stablemax-perpgrad", seed: 0);
        int decay = AssertReaches(0.99, by: 300, "weight-decay", seed: 0);

        // Grokking: with weight decay the training pairs are known long before the unseen ones.
        (int Epoch, double Train, double Test)[] rows = Results.Accuracies(Folder, "weight-decay");
        (int Epoch, double Train, double Test) memorised = rows.First(r => r.Train >= 0.99);
        Assert.True(decay > 1.5 * memorised.Epoch, $"Train reached 99 % at epoch {memorised.Epoch}, test at {decay}: that is not grokking.");
        Assert.True(memorised.Test < 0.5);

        Assert.All([perpGrad, stableMax, decay], epoch => Assert.Contains($"99 % of the unseen ones at epoch {epoch}.", output, StringComparison.Ordinal));
        if (output.Contains("picture  ", StringComparison.Ordinal))
        {
            byte[] picture = File.ReadAllBytes(Path.Combine(Folder, "grokking.png"));
            Assert.Equal("PNG"u8.ToArray(), picture[1..4]);
        }
        else
        {
            Assert.Contains("gnuplot is not installed", output, StringComparison.Ordinal);
        }
    }
}

/// <summary>What the paper claims and this project holds itself to, with one thread. `--preset B1` and `--preset B2` run all seeds; B3 and B4 take many minutes.</summary>
public sealed class GrokkingBarsTests : GrokkingBars
{
    [Fact]
    public void B2_perpGrad_with_StableMax_generalises_on_parity_by_500_and_on_addition_by_300()
    {
        Run("--preset", "B2", "--seeds", "1", "--stop-at-accuracy", "0.99");

        AssertReaches(0.99, by: 500, "parity", seed: 1);
        AssertReaches(0.99, by: 300, "addition", seed: 1);
    }
}

public abstract class GrokkingBars : IDisposable
{
    protected string Folder { get; } = Directory.CreateTempSubdirectory("grokking").FullName;

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Directory.Delete(Folder, recursive: true);
    }

    protected string Run(params string[] arguments)
    {
        (int exitCode, string output, string errors) = ExampleProcess.Run("Grokking", [.. arguments, "--out", Folder]);
        Assert.True(exitCode == 0, output + errors);
        return output;
    }

    protected void AssertMemorises(string run, int seed)
    {
        (int epoch, double train, double test) = Results.Accuracies(Folder, run, seed)[^1];
        Assert.Equal((300, 1), (epoch, train));
        Assert.True(test < 0.05, $"{run}, seed {seed}: {test:P1} of the unseen pairs are right.");
    }

    protected int AssertReaches(double share, int by, string run, int seed)
    {
        (int Epoch, double Train, double Test)[] rows = Results.Accuracies(Folder, run, seed);
        int reached = rows.FirstOrDefault(r => r.Test >= share, (int.MaxValue, 0, 0)).Epoch;
        Assert.True(reached <= by, $"{run}, seed {seed}: {share:P0} of the unseen samples were due by epoch {by}, and came at {reached}; the best was {rows.Max(r => r.Test):P1}.");
        return reached;
    }
}
