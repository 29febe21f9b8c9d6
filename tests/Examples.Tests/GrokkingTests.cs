using System.Globalization;
using Grokking;
using Xunit;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>What the example promises whatever it trains: resuming, Ctrl-C, the display, the files.</summary>
[Collection(InThisProcess.Name)]
public sealed class GrokkingTests : IDisposable
{
    private static readonly string[] Small = ["--p", "17", "--hidden", "24", "--log-every", "7", "--checkpoint-every", "13"];

    private readonly string _folder = Directory.CreateTempSubdirectory("grokking").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("--weight-decay", "1")]
    [InlineData("--perp-grad", "--loss", "stablemax", "--granularity", "row")]
    [InlineData("--loss-dtype", "f16", "--perp-grad", "--rescale", "false")]
    [InlineData("--model", "transformer", "--dropout", "0.2", "--task", "mul")]
    [InlineData("--task", "parity", "--samples", "200", "--optimizer", "sgd", "--lr", "0.1", "--momentum", "0.9", "--loss", "collapse-free", "--loss-dtype", "f64")]
    public void A_resumed_run_equals_an_uninterrupted_one_bit_for_bit(params string[] experiment)
    {
        string straight = Path.Combine(_folder, "straight");
        string resumed = Path.Combine(_folder, "resumed");
        Run([.. Small, .. experiment, "--epochs", "50", "--out", straight]);
        Run([.. Small, .. experiment, "--epochs", "31", "--out", resumed]);
        (int exitCode, string output, string errors) = ExampleProcess.Run("Grokking", [.. Small, .. experiment, "--epochs", "50", "--out", resumed, "--resume"]);
        Assert.True(exitCode == 0, output + errors);
        Results.AssertSame(straight, resumed);
    }

    [Fact]
    public void An_interrupted_preset_continues_where_it_was_and_runs_nothing_twice()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Sends a POSIX signal.");
        }

        string[] preset = ["--preset", "1a", .. Small, "--epochs", "700", "--seeds", "0,3"];
        string straight = Path.Combine(_folder, "straight");
        string stopped = Path.Combine(_folder, "stopped");
        Run([.. preset, "--out", straight]);
        using (var process = new ExampleProcess("Grokking", [.. preset, "--out", stopped], ExampleProcess.HearingCtrlC))
        {
            Results.WaitForLines(Path.Combine(Results.Folder(stopped, "adamw", 3), "metrics.csv"), 20);
            process.Interrupt();
            (int exitCode, string output, string errors) = process.Wait();
            Assert.True(exitCode == 130, output + errors);
            Assert.Contains("Stopped AdamW, seed 3, after epoch", output, StringComparison.Ordinal);
            Assert.Contains("'--resume' continues", output, StringComparison.Ordinal);
        }

        string first = Path.Combine(Results.Folder(stopped, "adamw"), "metrics.csv");
        string finished = File.ReadAllText(first);
        Run([.. preset, "--out", stopped, "--resume"]);
        Assert.Equal(finished, File.ReadAllText(first)); // its seconds too
        foreach ((string run, int seed) in new[] { ("adamw", 0), ("adamw", 3), ("perpgrad", 0), ("perpgrad", 3) })
        {
            Results.AssertSame(straight, stopped, run, seed);
        }

        (int again, _, string refusal) = ExampleProcess.Run("Grokking", [.. preset, "--out", stopped, "--resume"]);
        Assert.Equal(2, again);
        Assert.Contains("'--epochs' is 700; more than the 700 epochs", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fresh_start_forgets_the_checkpoints_of_the_same_folder()
    {
        Run([.. Small, "--preset", "1a", "--epochs", "3", "--out", _folder]);
        Run([.. Small, "--preset", "1a", "--epochs", "3", "--lr", "0.02", "--out", _folder]);

        string state = File.ReadAllText(Path.Combine(Results.Folder(_folder, "perpgrad"), "checkpoint", "state.json"));
        Assert.Contains("\"LearningRate\":0.02", state, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_ends_at_the_accuracy_that_it_is_asked_for()
    {
        string[] arguments = [.. Small, "--perp-grad", "--train-fraction", "0.8", "--epochs", "2000", "--out", _folder];
        Run([.. arguments, "--stop-at-accuracy", "0.5"]);
        (int Epoch, double Train, double Test)[] rows = Results.Accuracies(_folder);
        Assert.True(rows[^1].Test >= 0.5, $"Ended at {rows[^1].Test:P1}.");
        Assert.All(rows[..^1], r => Assert.True(r.Test < 0.5));
        Assert.True(rows[^1].Epoch < 2000);

        // It goes on when more is asked for, and not otherwise.
        Assert.Equal(2, InThisProcess.Run(typeof(Options).Assembly, [.. arguments, "--stop-at-accuracy", "0.5", "--resume"]).ExitCode);
        Run([.. arguments, "--stop-at-accuracy", "0.7", "--resume"]);
        Assert.True(Results.Accuracies(_folder)[^1].Epoch > rows[^1].Epoch);
    }

    [Fact]
    public void On_a_terminal_a_live_display_shows_epoch_and_accuracies()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Needs util-linux's script to have a terminal.");
        }

        (int exitCode, string output, _) = ExampleProcess.RunOnTerminal("Grokking", [.. Small, "--epochs", "60", "--out", _folder]);

        Assert.True(exitCode == 0, output);
        Assert.Contains("epoch 60/60", output, StringComparison.Ordinal);
        Assert.Matches("train +[0-9.]+ %  test +[0-9.]+ %", output);
    }

    [Fact]
    public void Another_seed_gives_another_run_and_the_same_seed_the_same()
    {
        string again = Path.Combine(_folder, "again");
        Run([.. Small, "--epochs", "3", "--seeds", "0,1", "--out", _folder]);
        Run([.. Small, "--epochs", "3", "--seed", "1", "--out", again]);

        Assert.NotEqual(Results.WithoutSeconds(_folder), Results.WithoutSeconds(_folder, seed: 1));
        Results.AssertSame(_folder, again, seed: 1);
    }

    [Fact]
    public void Layers_and_summary_tell_the_same_as_the_metrics()
    {
        Run([.. Small, "--epochs", "9", "--out", _folder]);

        Dictionary<string, string> last = Results.Read(Path.Combine(Results.Folder(_folder), "metrics.csv"))[^1];
        Dictionary<string, string>[] layers = [.. Results.Read(Path.Combine(Results.Folder(_folder), "layers.csv")).Where(r => r["Epoch"] == "9")];
        Assert.Equal(["hidden1.weight", "hidden2.weight", "logits.weight"], layers.Select(r => r["Layer"]));
        double norm = Math.Sqrt(layers.Sum(r => Math.Pow(Results.Number(r["Norm"]), 2)));
        Assert.Equal(norm, Results.Number(last["WeightNorm"]), 1e-12 * norm);
        Assert.All(layers, r => Assert.InRange(Results.Number(r["Cosine"]), -1, 1));
        Assert.Contains(layers, r => Results.Number(r["Cosine"]) > 0.1);

        Dictionary<string, string> outcome = Assert.Single(Results.Read(Path.Combine(_folder, "summary.csv")));
        Assert.Equal(("run", "0", "9", last["TestAccuracy"]), (outcome["Run"], outcome["Seed"], outcome["Epochs"], outcome["FinalTest"]));
    }

    [Fact]
    public void Softmax_collapses_where_leaving_the_target_out_does_not()
    {
        string free = Path.Combine(_folder, "free");
        Run([.. Small, "--lr", "0.1", "--epochs", "200", "--out", _folder]);
        Run([.. Small, "--lr", "0.1", "--epochs", "200", "--loss", "collapse-free", "--out", free]);

        Dictionary<string, string> collapsed = Results.Read(Path.Combine(Results.Folder(_folder), "metrics.csv"))[^1];
        Assert.True(Results.Number(collapsed["ZeroLossFraction"]) > 0.1, $"Zero losses: {collapsed["ZeroLossFraction"]}.");
        Assert.True(Results.Number(collapsed["CollapseFraction"]) >= Results.Number(collapsed["ZeroLossFraction"]));
        Assert.All(Results.Read(Path.Combine(Results.Folder(free), "metrics.csv")), r => Assert.Equal(0, Results.Number(r["ZeroLossFraction"])));
    }

    [Fact]
    public void Ctrl_C_stops_after_the_epoch_and_keeps_what_was_written()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Sends a POSIX signal.");
        }

        string csv = Path.Combine(Results.Folder(_folder), "metrics.csv");
        using (var process = new ExampleProcess("Grokking", [.. Small, "--epochs", "1000000", "--out", _folder], ExampleProcess.HearingCtrlC))
        {
            Results.WaitForLines(csv, 5);
            process.Interrupt();
            (int exitCode, string output, _) = process.Wait();
            Assert.Equal(130, exitCode);
            Assert.Contains("--resume", output, StringComparison.Ordinal);
        }

        int last = Results.LastEpoch(_folder);
        string more = (last + 100_000).ToString(CultureInfo.InvariantCulture);
        using var again = new ExampleProcess("Grokking", [.. Small, "--epochs", more, "--out", _folder, "--resume"]);
        Results.WaitForLines(csv, File.ReadAllLines(csv).Length + 2);
        Assert.True(Results.LastEpoch(_folder) > last);
    }

    [Fact]
    public void Without_gnuplot_the_run_says_where_the_data_lie()
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? FindOnPath("dotnet");
        using var process = new ExampleProcess("Grokking", [.. Small, "--epochs", "2", "--out", _folder], start =>
        {
            start.FileName = dotnet;
            start.Environment["PATH"] = _folder;
        });
        (int exitCode, string output, string errors) = process.Wait();

        Assert.True(exitCode == 0, errors);
        Assert.Contains("gnuplot is not installed", output, StringComparison.Ordinal);
        Assert.Contains("metrics.csv", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Resuming_with_other_settings_is_refused()
    {
        Run([.. Small, "--epochs", "2", "--out", _folder]);

        Refused("'--resume' finds a run with other settings", "--epochs", "4", "--lr", "0.02");
        Refused("LearningRate 0.01 and not 0.02", "--epochs", "4", "--lr", "0.02");
        Refused("Threads 1 and not 2", "--epochs", "4", "--threads", "2");
        Refused("'--epochs' is 2; more than the 2 epochs", "--epochs", "2");
        Refused("'--epochs' is 1; more than the 2 epochs", "--epochs", "1");

        void Refused(string message, params string[] arguments)
        {
            (int exitCode, _, string errors) = InThisProcess.Run(typeof(Options).Assembly, [.. Small, "--out", _folder, "--resume", .. arguments]);
            Assert.Equal(2, exitCode);
            Assert.Contains(message, errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Resuming_from_a_damaged_file_is_refused()
    {
        Run([.. Small, "--epochs", "2", "--out", _folder]);
        foreach (string file in new[] { "checkpoint/state.json", "checkpoint/model.bin", "checkpoint/optimizer.bin", "checkpoint/random.bin", "metrics.csv", "layers.csv" })
        {
            string path = Path.Combine(Results.Folder(_folder), file);
            byte[] whole = File.ReadAllBytes(path);
            File.WriteAllText(path, "no such thing");

            (int exitCode, _, string errors) = InThisProcess.Run(typeof(Options).Assembly, [.. Small, "--epochs", "4", "--out", _folder, "--resume"]);
            Assert.Equal(2, exitCode);
            Assert.StartsWith("'--resume' finds a damaged ", errors, StringComparison.Ordinal);
            File.WriteAllBytes(path, whole);
        }

        Run([.. Small, "--epochs", "4", "--out", _folder, "--resume"]);
    }

    [Fact]
    public void A_crash_while_a_checkpoint_is_swapped_loses_only_the_newest_one()
    {
        Run([.. Small, "--epochs", "2", "--out", _folder]);
        string checkpoint = Path.Combine(Results.Folder(_folder), "checkpoint");
        Directory.Move(checkpoint, checkpoint + ".old");

        Run([.. Small, "--epochs", "4", "--out", _folder, "--resume"]);
    }

    private static void Run(params string[] arguments)
    {
        (int exitCode, string output, string errors) = InThisProcess.Run(typeof(Options).Assembly, arguments);
        Assert.True(exitCode == 0, output + errors);
    }

    private static string FindOnPath(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Select(p => Path.Combine(p, program)).First(File.Exists);
}
