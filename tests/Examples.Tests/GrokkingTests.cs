using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace TorchSharpSoftmax.Examples.Tests;

public sealed class GrokkingTests : IDisposable
{
    private static readonly string[] Small = ["--p", "17", "--hidden", "24", "--log-every", "7", "--checkpoint-every", "13"];

    private readonly string _folder = Directory.CreateTempSubdirectory("grokking").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_default_run_generalises_within_400_epochs_long_after_it_has_memorised()
    {
        (int exitCode, string output, string errors) = ExampleProcess.Run("Grokking", "--out", _folder);

        Assert.True(exitCode == 0, errors);
        (int Epoch, double Train, double Test)[] rows = [.. Rows(_folder).Select(r => (int.Parse(r[0], CultureInfo.InvariantCulture), Number(r[3]), Number(r[4])))];
        int memorised = rows.First(r => r.Train >= 0.99).Epoch;
        int grokked = rows.FirstOrDefault(r => r.Test >= 0.99, (int.MaxValue, 0, 0)).Epoch;
        Assert.True(grokked <= 400, $"99 % of the unseen pairs were never reached; the best was {rows.Max(r => r.Test):P1}.");
        Assert.True(grokked > 1.5 * memorised, $"Train reached 99 % at epoch {memorised}, test at {grokked}: that is not grokking.");
        Assert.True(rows.First(r => r.Epoch == memorised).Test < 0.5);
        Assert.Contains($"epoch {grokked}", output, StringComparison.Ordinal);
        if (output.Contains("picture  ", StringComparison.Ordinal))
        {
            byte[] picture = File.ReadAllBytes(Path.Combine(_folder, "grokking.png"));
            Assert.Equal("PNG"u8.ToArray(), picture[1..4]);
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
        Assert.Equal(0, ExampleProcess.Run("Grokking", [.. Small, "--epochs", "40", "--out", straight]).ExitCode);
        Assert.Equal(0, ExampleProcess.Run("Grokking", [.. Small, "--epochs", "26", "--out", resumed]).ExitCode);
        Assert.Equal(0, ExampleProcess.Run("Grokking", [.. Small, "--epochs", "40", "--out", resumed, "--resume"]).ExitCode);

        // Epoch 26 ends the shorter run, so it has a row there that the straight run lacks.
        Assert.Equal(Rows(straight).Select(WithoutSeconds), Rows(resumed).Where(r => r[0] != "26").Select(WithoutSeconds));
        foreach (string file in new[] { "model.bin", "optimizer.bin", "random.bin" })
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(straight, "checkpoint", file)), File.ReadAllBytes(Path.Combine(resumed, "checkpoint", file)));
        }
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
    public void Another_seed_gives_another_run()
    {
        string other = Path.Combine(_folder, "other");
        Assert.Equal(0, ExampleProcess.Run("Grokking", [.. Small, "--epochs", "3", "--out", _folder]).ExitCode);
        Assert.Equal(0, ExampleProcess.Run("Grokking", [.. Small, "--epochs", "3", "--out", other, "--seed", "1"]).ExitCode);

        Assert.NotEqual(Rows(_folder).Select(WithoutSeconds), Rows(other).Select(WithoutSeconds));
    }

    [Fact]
    public void Ctrl_C_stops_after_the_epoch_and_keeps_what_was_written()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Sends a POSIX signal.");
        }

        string csv = Path.Combine(_folder, "metrics.csv");
        using (var process = new ExampleProcess("Grokking", [.. Small, "--epochs", "1000000", "--out", _folder], ExampleProcess.HearingCtrlC))
        {
            var clock = Stopwatch.StartNew();
            while ((!File.Exists(csv) || File.ReadAllLines(csv).Length < 5) && clock.Elapsed < TimeSpan.FromMinutes(1))
            {
                Thread.Sleep(50);
            }

            process.Interrupt();
            (int exitCode, string output, _) = process.Wait();
            Assert.Equal(130, exitCode);
            Assert.Contains("--resume", output, StringComparison.Ordinal);
        }

        int last = int.Parse(Rows(_folder)[^1][0], CultureInfo.InvariantCulture);
        string more = (last + 100_000).ToString(CultureInfo.InvariantCulture);
        using var again = new ExampleProcess("Grokking", [.. Small, "--epochs", more, "--out", _folder, "--resume"]);
        var wait = Stopwatch.StartNew();
        while (int.Parse(Rows(_folder)[^1][0], CultureInfo.InvariantCulture) <= last && wait.Elapsed < TimeSpan.FromMinutes(1))
        {
            Thread.Sleep(50);
        }

        Assert.True(int.Parse(Rows(_folder)[^1][0], CultureInfo.InvariantCulture) > last);
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

    [Theory]
    [InlineData("'--p' is '1'; a whole number from 2 to 1000 is required.", "--p", "1")]
    [InlineData("'--p' is 'ten'", "--p", "ten")]
    [InlineData("'--train-fraction' is '1'; a number above 0 and below 1 is required.", "--train-fraction", "1")]
    [InlineData("'--lr' is 'nan'", "--lr", "nan")]
    [InlineData("'--train-fraction' leaves 0 of 9 pairs", "--p", "3", "--train-fraction", "0.01")]
    [InlineData("--epoch", "--epoch", "3")]
    [InlineData("--epochs", "--epochs")]
    [InlineData("'--resume' finds no checkpoint", "--resume")]
    [InlineData("'--out' is ''; a folder is required.", "--out", "")]
    [InlineData("'--out' is '/dev/null/x'; a folder that can be written to is required", "--out", "/dev/null/x")]
    public void A_mistake_is_named_and_ends_with_exit_code_2(string message, params string[] args)
    {
        (int exitCode, _, string errors) = ExampleProcess.Run("Grokking", args.Contains("--out") ? args : ["--out", _folder, .. args]);

        Assert.Equal(2, exitCode);
        Assert.Contains(message, errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Resuming_with_other_settings_is_refused()
    {
        Assert.Equal(0, ExampleProcess.Run("Grokking", [.. Small, "--epochs", "2", "--out", _folder]).ExitCode);

        (int exitCode, _, string errors) = ExampleProcess.Run("Grokking", [.. Small, "--epochs", "4", "--out", _folder, "--resume", "--lr", "0.02"]);
        Assert.Equal(2, exitCode);
        Assert.Contains("'--resume' finds a run with other settings", errors, StringComparison.Ordinal);

        (exitCode, _, errors) = ExampleProcess.Run("Grokking", [.. Small, "--epochs", "2", "--out", _folder, "--resume"]);
        Assert.Equal(2, exitCode);
        Assert.Contains("'--epochs' is 2; more than the 2 epochs", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("checkpoint/state.json")]
    [InlineData("checkpoint/model.bin")]
    [InlineData("checkpoint/optimizer.bin")]
    [InlineData("checkpoint/random.bin")]
    [InlineData("metrics.csv")]
    public void Resuming_from_a_damaged_file_is_refused(string file)
    {
        Assert.Equal(0, ExampleProcess.Run("Grokking", [.. Small, "--epochs", "2", "--out", _folder]).ExitCode);
        File.WriteAllText(Path.Combine(_folder, file), "no such thing");

        (int exitCode, _, string errors) = ExampleProcess.Run("Grokking", [.. Small, "--epochs", "4", "--out", _folder, "--resume"]);
        Assert.Equal(2, exitCode);
        Assert.StartsWith("'--resume' finds a damaged ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void A_crash_while_a_checkpoint_is_swapped_loses_only_the_newest_one()
    {
        Assert.Equal(0, ExampleProcess.Run("Grokking", [.. Small, "--epochs", "2", "--out", _folder]).ExitCode);
        string checkpoint = Path.Combine(_folder, "checkpoint");
        Directory.Move(checkpoint, checkpoint + ".old");

        (int exitCode, _, string errors) = ExampleProcess.Run("Grokking", [.. Small, "--epochs", "4", "--out", _folder, "--resume"]);
        Assert.True(exitCode == 0, errors);
    }

    private static string[][] Rows(string folder) => [.. File.ReadAllLines(Path.Combine(folder, "metrics.csv")).Skip(1).Select(line => line.Split(','))];

    private static string WithoutSeconds(string[] row) => string.Join(',', row[..^1]);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static string FindOnPath(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Select(p => Path.Combine(p, program)).First(File.Exists);
}
