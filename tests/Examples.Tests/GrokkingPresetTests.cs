using Grokking;
using Xunit;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>Presets, and flags over presets.</summary>
[Collection(InThisProcess.Name)]
public sealed class GrokkingPresetTests : IDisposable
{
    internal static readonly string[] Names = ["story", "1a", "1b", "1c", "2a", "2b", "2c", "4", "6a", "6b", "B1", "B2", "B3", "B4", "B4b"];

    private readonly string _folder = Directory.CreateTempSubdirectory("grokking").FullName;

    public static TheoryData<string> Presets => [.. Names];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Presets))]
    public void Each_preset_trains_all_its_runs(string name)
    {
        Run("--preset", name, "--p", "11", "--epochs", "2", "--seed", "5", "--out", _folder);

        Dictionary<string, string>[] outcomes = Results.Read(Path.Combine(_folder, "summary.csv"));
        Assert.Equal(Directory.GetDirectories(_folder).Select(Path.GetFileName).Order(), outcomes.Select(o => o["Run"]).Order());
        foreach (Dictionary<string, string> outcome in outcomes)
        {
            Dictionary<string, string>[] rows = Results.Read(Path.Combine(Results.Folder(_folder, outcome["Run"], 5), "metrics.csv"));
            Assert.Equal(["0", "1", "2"], rows.Select(r => r["Epoch"]));
            Assert.All(rows, r => Assert.InRange(Results.Number(r["TrainLoss"]), 0.01, 10));
            Assert.NotEqual(rows[0]["TrainLoss"], rows[2]["TrainLoss"]);
        }
    }

    [Fact]
    public void Some_of_a_presets_runs_can_be_run_alone()
    {
        Run("--preset", "2a", "--runs", "softmax-f64", "--p", "11", "--epochs", "1", "--out", _folder);

        Assert.Equal("softmax-f64", Assert.Single(Results.Read(Path.Combine(_folder, "summary.csv")))["Run"]);
    }

    [Fact]
    public void Flags_stand_over_the_presets_settings_in_every_run()
    {
        Run("--preset", "2a", "--p", "11", "--lr", "0.003", "--epochs", "1", "--out", _folder);

        Assert.All(["f16", "f32", "f64"], dtype =>
        {
            string state = File.ReadAllText(Path.Combine(Results.Folder(_folder, "softmax-" + dtype), "checkpoint", "state.json"));
            Assert.Contains("\"LearningRate\":0.003", state, StringComparison.Ordinal);
            Assert.Contains("\"Eps\":1E-30", state, StringComparison.Ordinal);
        });
    }

    private static void Run(params string[] args)
    {
        (int exitCode, string output, string errors) = InThisProcess.Run(typeof(Options).Assembly, args);
        Assert.True(exitCode == 0, output + errors);
    }
}
