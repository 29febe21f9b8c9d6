using System.Globalization;
using Xunit;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>What the example promises whatever it learns: equal curves, resuming, Ctrl-C, the files, mistakes.</summary>
[Collection(InThisProcess.Name)]
public sealed class LanguageModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("language-model").FullName;
    private readonly string[] _small;

    public LanguageModelTests() => _small =
    [
        "--wordnet", SmallWordNet.Write(Path.Combine(_folder, "wordnet")), "--width", "16", "--heads", "2", "--blocks", "1", "--context", "8", "--batch", "6",
        "--validate-every", "5", "--checkpoint-every", "7", "--threads", "1",
    ];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Both_losses_learn_the_same_and_everything_is_written_and_drawn()
    {
        string output = Run([.. _small, "--steps", "40", "--samples", "3", "--out", _folder]);

        Dictionary<string, string>[] ours = Rows("linear-cross-entropy"), libtorchs = Rows("cross-entropy");
        Assert.Equal(Enumerable.Range(1, 40).Select(s => $"{s}"), ours.Select(r => r["Step"]));
        Assert.Equal(ours.Select(r => r["Step"]), libtorchs.Select(r => r["Step"]));
        Assert.All(ours.Zip(libtorchs), pair => Assert.Equal(Results.Number(pair.First["TrainLoss"]), Results.Number(pair.Second["TrainLoss"]), 2e-4));
        (string First, string Second)[] validations = [.. ours.Zip(libtorchs, (a, b) => (a["ValidationLoss"], b["ValidationLoss"])).Where(p => p.Item1.Length > 0)];
        Assert.Equal(8, validations.Length);
        Assert.All(validations, v => Assert.Equal(Results.Number(v.First), Results.Number(v.Second), 2e-4));
        Assert.True(Results.Number(validations[^1].First) < Results.Number(validations[0].First) - 0.02, "Nothing was learnt.");

        Dictionary<string, string>[] summary = Results.Read(Path.Combine(_folder, "summary.csv"));
        Assert.Equal(["linear_cross_entropy", "linear + cross_entropy"], summary.Select(r => r["Loss"]));
        Assert.All(summary, r => Assert.InRange(Results.Number(r["PeakMiB"]), 20, 4000));
        Assert.All(summary, r => Assert.True(Results.Number(r["TokensPerSecond"]) > 0));

        Dictionary<string, string>[] gradients = Results.Read(Path.Combine(_folder, "gradients.csv"));
        Assert.Equal(4, gradients.Length);
        Assert.All(gradients[..2], r => Assert.InRange(Results.Number(r["HeadError"]), 1e-9, 1e-5));
        Assert.All(gradients[2..], r => Assert.InRange(Results.Number(r["HeadError"]), 1e-9, 1e-2)); // few of 16 words are below the filter's threshold
        Dictionary<string, string>[] probabilities = Results.Read(Path.Combine(_folder, "probabilities.csv"));
        Assert.Equal(Enumerable.Range(1, 16).Select(s => $"{s}"), probabilities.Select(r => r["Rank"]));
        Assert.Equal(1, probabilities.Sum(r => Results.Number(r["MeanProbability"])), 1e-4);

        Assert.Contains("What the model takes for definitions:", output, StringComparison.Ordinal);
        Assert.Equal(3, output.Split('\n').Count(line => line.StartsWith("  - ", StringComparison.Ordinal)));
        if (output.Contains("picture  ", StringComparison.Ordinal))
        {
            Assert.Equal("PNG"u8.ToArray(), File.ReadAllBytes(Path.Combine(_folder, "language-model.png"))[1..4]);
        }
        else
        {
            Assert.Contains("gnuplot is not installed", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_resumed_run_equals_an_uninterrupted_one_bit_for_bit()
    {
        string straight = Path.Combine(_folder, "straight");
        string resumed = Path.Combine(_folder, "resumed");
        string[] one = [.. _small, "--loss", "cross-entropy", "--samples", "0"]; // the other loss is resumed below, after Ctrl-C
        Run([.. one, "--steps", "23", "--out", straight]);
        Run([.. one, "--steps", "12", "--out", resumed]);
        Run([.. one, "--steps", "23", "--out", resumed, "--resume"]);

        AssertSame(straight, resumed, "cross-entropy", "model.bin", "optimizer.bin", "random.bin");
    }

    [Fact]
    public void Ctrl_C_stops_the_run_in_its_process_after_the_step_and_the_whole_continues_from_there()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Sends a POSIX signal.");
        }

        string csv = Path.Combine(_folder, "linear-cross-entropy", "metrics.csv");
        using (var process = new ExampleProcess("LanguageModel", [.. _small, "--steps", "1000000", "--out", _folder], ExampleProcess.HearingCtrlC))
        {
            Results.WaitForLines(csv, 5);
            process.Interrupt(); // this process alone, not its child
            (int exitCode, string output, string errors) = process.Wait();
            Assert.True(exitCode == 130, output + errors);
            Assert.Contains("Stopped linear_cross_entropy after step", output, StringComparison.Ordinal);
            Assert.Contains("'--resume' continues", output, StringComparison.Ordinal);
        }

        Assert.False(Directory.Exists(Path.Combine(_folder, "cross-entropy")));
        int last = int.Parse(Rows("linear-cross-entropy")[^1]["Step"], CultureInfo.InvariantCulture);
        string more = (last + 3).ToString(CultureInfo.InvariantCulture);
        string[] both = [.. _small, "--steps", more, "--samples", "0"];
        Run([.. both, "--loss", "linear-cross-entropy", "--out", _folder, "--resume"]);
        string straight = Path.Combine(_folder, "straight");
        Run([.. both, "--loss", "linear-cross-entropy", "--out", straight]);
        AssertSame(straight, _folder, "linear-cross-entropy", "model.bin", "optimizer.bin", "random.bin");
    }

    [Fact]
    public void A_finished_run_is_reported_again_and_another_one_is_refused()
    {
        Run([.. _small, "--steps", "3", "--out", _folder]);
        string before = File.ReadAllText(Path.Combine(_folder, "cross-entropy", "metrics.csv"));
        Assert.Contains("times as fast", Run([.. _small, "--steps", "3", "--out", _folder, "--resume"]), StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(Path.Combine(_folder, "cross-entropy", "metrics.csv"))); // its seconds too

        Refused("'--resume' finds a run with other settings", "--steps", "4", "--lr", "0.02");
        Refused("LearningRate 0.003 and not 0.02", "--steps", "4", "--lr", "0.02");
        Refused("Seed 0 and not 1", "--steps", "4", "--seed", "1");
        Refused("'--steps' is 2; at least the 3 steps", "--steps", "2");

        File.WriteAllText(Path.Combine(_folder, "cross-entropy", "checkpoint", "optimizer.bin"), "no such thing");
        (int damaged, _, string told) = ExampleProcess.Run("LanguageModel", [.. _small, "--out", _folder, "--resume", "--steps", "4"]); // its own process: what a child says passes this one by
        Assert.Equal(2, damaged);
        Assert.Contains("'--resume' finds a damaged checkpoint", told, StringComparison.Ordinal);
        Assert.Contains("The process that trains with linear + cross_entropy ended with exit code 2.", told, StringComparison.Ordinal);

        void Refused(string message, params string[] arguments)
        {
            (int exitCode, _, string errors) = InThisProcess.Run(typeof(LanguageModel.Options).Assembly, [.. _small, "--out", _folder, "--resume", .. arguments]);
            Assert.Equal(2, exitCode);
            Assert.Contains(message, errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void On_a_terminal_a_live_display_shows_step_and_losses()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Needs util-linux's script to have a terminal.");
        }

        (int exitCode, string output, _) = ExampleProcess.RunOnTerminal("LanguageModel", [.. _small, "--steps", "20", "--loss", "cross-entropy", "--out", _folder]);

        Assert.True(exitCode == 0, output);
        Assert.Contains("step 20/20", output, StringComparison.Ordinal);
        Assert.Matches("loss [0-9.]+  validation [0-9.]+  [0-9,]+ tokens/s", output);
    }

    [Theory]
    [InlineData("'--wordnet' is '/nowhere', where there is no data.noun, data.verb, data.adj, data.adv; the folder of WordNet's data files is required.", "--wordnet", "/nowhere")]
    [InlineData("`./build.sh --target=Setup` installs it", "--wordnet", "/nowhere")]
    [InlineData("enough for 82 windows of '--context'; at least the 1000 of '--batch' are required", "--context", "40", "--batch", "1000")]
    [InlineData("'--width' is '30'; a multiple of the 4 heads of '--heads' is required.", "--width", "30", "--heads", "4")]
    [InlineData("'--steps' is '0'; a whole number from 1", "--steps", "0")]
    [InlineData("'--lr' is 'nan'", "--lr", "nan")]
    [InlineData("'--loss' is 'softmax'; one of both, linear-cross-entropy, cross-entropy is required.", "--loss", "softmax")]
    [InlineData("'--temperature' is '0'", "--temperature", "0")]
    [InlineData("--step", "--step", "3")]
    [InlineData("'--resume' finds no checkpoint", "--resume")]
    [InlineData("'--out' is ''; a folder is required.", "--out", "")]
    public void A_mistake_is_named_and_ends_with_exit_code_2(string message, params string[] args)
    {
        string[] text = args.Contains("--wordnet") ? [] : _small[..2];
        string[] output = args.Contains("--out") ? [] : ["--out", _folder];
        (int exitCode, _, string errors) = InThisProcess.Run(typeof(LanguageModel.Options).Assembly, [.. text, .. output, .. args]);

        Assert.Equal(2, exitCode);
        Assert.Contains(message, errors, StringComparison.Ordinal);
    }

    private static string Run(params string[] arguments)
    {
        (int exitCode, string output, string errors) = InThisProcess.Run(typeof(LanguageModel.Options).Assembly, arguments);
        Assert.True(exitCode == 0, output + errors);
        return output;
    }

    private Dictionary<string, string>[] Rows(string loss) => Results.Read(Path.Combine(_folder, loss, "metrics.csv"));

    /// <summary>Two folders hold the same losses and the same checkpoint, to the last bit.</summary>
    private static void AssertSame(string expected, string actual, string loss, params string[] files)
    {
        Assert.Equal(Lines(expected), Lines(actual));
        Assert.All(files, file => Assert.Equal(File.ReadAllBytes(Path.Combine(expected, loss, "checkpoint", file)), File.ReadAllBytes(Path.Combine(actual, loss, "checkpoint", file))));

        // The columns that a clock or the machine decides are left out. A last step is validated, whenever it is due.
        IEnumerable<(string, string)> Lines(string folder) => Results.Read(Path.Combine(folder, loss, "metrics.csv")).Select(r => (r["Step"], r["TrainLoss"]));
    }
}
