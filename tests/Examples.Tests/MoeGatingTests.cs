using System.Globalization;
using Xunit;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>What the example promises its user: results, files, resuming, Ctrl-C, mistakes.</summary>
[Collection(InThisProcess.Name)]
public sealed class MoeGatingTests : IDisposable
{
    private static readonly string[] SmallGaussian = ["gaussian", "--sizes", "600,2400,9600", "--repetitions", "4"];

    private readonly string _folder = Directory.CreateTempSubdirectory("moe-gating").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Gaussian_experts_show_which_gates_data_determine_and_a_resumed_study_estimates_the_same()
    {
        string output = Run([.. SmallGaussian, "--out", _folder]);

        string folder = Path.Combine(_folder, "gaussian"), csv = Path.Combine(folder, "estimates.csv");
        Dictionary<string, string>[] estimates = Results.Read(csv);
        Assert.Equal("Gate,N,Repetition,Beta,Bias,Tau,GateError,RatioError,ExpertError,Hellinger,LogLikelihood,Steps,Seconds", File.ReadLines(csv).First());
        Assert.Equal(5 * 3 * 4, estimates.Length);
        Assert.Equal(["linear", "relu", "tanh", "gelu", "linear-fixed"], estimates.Select(e => e["Gate"]).Distinct());
        Assert.All(estimates, e => Assert.InRange(Results.Number(e["Hellinger"]), 1e-3, 0.2));
        Assert.All(estimates.Where(e => e["Gate"] == "linear-fixed"), e => Assert.Equal(0.4, Results.Number(e["Tau"]), 1e-12));

        // Wide: four samples of each size. Theory has 0, -1/2 and -1.
        AssertSlope("linear", "gate", -0.45, 0.45);
        AssertSlope("tanh", "gate", -1.1, -0.2);
        AssertSlope("linear", "beta / tau", -1.1, -0.2);
        foreach (string gate in new[] { "linear", "relu", "tanh", "gelu", "linear-fixed" })
        {
            AssertSlope(gate, "density", -0.75, -0.25);
        }

        AssertSlope("top-1", "boundary", -1.4, -0.6);
        Assert.Equal(3 * 40, Results.Read(Path.Combine(folder, "boundary.csv")).Length);
        Assert.Equal(13, Results.Read(Path.Combine(folder, "fisher.csv")).Length);
        Assert.Contains("as expected: homogeneous activations leave the temperature undetermined", output, StringComparison.Ordinal);
        Assert.Contains("no gradient: its boundary is found by trying every place", output, StringComparison.Ordinal);
        AssertPicture(output, Path.Combine(folder, "gaussian.png"));

        string[] lines = File.ReadAllLines(csv);
        string slopes = File.ReadAllText(Path.Combine(folder, "slopes.csv"));
        File.WriteAllLines(csv, lines[..^7]);
        Run([.. SmallGaussian, "--out", _folder, "--resume"]);
        Assert.Equal(lines[..^7], File.ReadAllLines(csv)[..^7]); // their seconds too
        Assert.Equal(lines.Select(WithoutSeconds), File.ReadAllLines(csv).Select(WithoutSeconds));
        Assert.Equal(slopes, File.ReadAllText(Path.Combine(folder, "slopes.csv")));

        void AssertSlope(string estimate, string error, double low, double high)
        {
            Dictionary<string, string> row = Assert.Single(Results.Read(Path.Combine(folder, "slopes.csv")), r => r["Estimate"] == estimate && r["Error"] == error);
            Assert.True(Results.Number(row["Slope"]) >= low && Results.Number(row["Slope"]) <= high, $"{estimate}, {error}: the slope is {row["Slope"]}, not from {low} to {high}.");
        }
    }

    [Fact]
    public void Digits_are_shared_out_and_a_resumed_comparison_trains_what_is_missing_to_the_same_numbers()
    {
        string[] arguments = ["digits", "--gates", "one-16,top2,top1-kept,dense-to-sparse", "--epochs", "1", "--seeds", "4", "--out", _folder];
        string output = Run(arguments);

        Assert.Equal(["20", "40", "60", "80", "94"], Rows("top2").Select(r => r["Step"]));
        Assert.Equal(
            "Step,Loss,Accuracy,TestAccuracy,LoadCV,MaxLoad,MinLoad,Entropy,Temperature,ExpertsPerToken,BalanceLoss,ZLoss,GateGradient," +
            "Load0,Load1,Load2,Load3,Load4,Load5,Load6,Load7,Seconds", File.ReadLines(Metrics("top2")).First());
        Assert.All(Rows("top2"), r => Assert.Equal(1, Enumerable.Range(0, 8).Sum(e => Results.Number(r[$"Load{e}"])), 1e-6));
        Assert.All(Rows("top2"), r => Assert.Equal("2", r["ExpertsPerToken"]));
        Assert.All(Rows("top2"), r => Assert.InRange(Results.Number(r["Entropy"]), 0.2, 1));
        Assert.All(Rows("top2"), r => Assert.True(Results.Number(r["GateGradient"]) > 1e-4));
        Assert.All(Rows("top1-kept"), r => Assert.Equal("0", r["GateGradient"]));
        Assert.All(Rows("one-16"), r => Assert.Equal("", r["Load0"] + r["GateGradient"] + r["Temperature"]));
        double[] temperatures = [.. Rows("dense-to-sparse").Select(r => Results.Number(r["Temperature"]))];
        Assert.Equal(temperatures.OrderDescending(), temperatures);
        Assert.Equal(0.2, temperatures[^1], 1e-9);
        Assert.Equal(4 * 8, Results.Read(Path.Combine(Folder("top2"), "domains.csv")).Length);
        Assert.Equal(4, Results.Read(Path.Combine(_folder, "digits", "summary.csv")).Length);
        AssertPicture(output, Path.Combine(_folder, "digits", "digits.png"));

        string finished = File.ReadAllText(Metrics("top2")), missing = File.ReadAllText(Metrics("dense-to-sparse"));
        File.Delete(Path.Combine(Folder("dense-to-sparse"), "outcome.csv"));
        File.WriteAllLines(Metrics("dense-to-sparse"), missing.Split('\n')[..3]);
        Run([.. arguments, "--resume"]);
        Assert.Equal(finished, File.ReadAllText(Metrics("top2"))); // its seconds too
        Assert.Equal(missing.Split('\n').Select(WithoutSeconds), File.ReadAllText(Metrics("dense-to-sparse")).Split('\n').Select(WithoutSeconds));

        (int exitCode, _, string errors) = InThisProcess.Run(typeof(MoeGating.Options).Assembly, [.. arguments, "--resume", "--log-every", "10"]);
        Assert.Equal(2, exitCode);
        Assert.Contains("'--resume' finds results of other settings", errors, StringComparison.Ordinal);

        string Folder(string gate) => Path.Combine(_folder, "digits", gate, "seed-4");
        string Metrics(string gate) => Path.Combine(Folder(gate), "metrics.csv");
        Dictionary<string, string>[] Rows(string gate) => Results.Read(Metrics(gate));
    }

    [Fact]
    public void Two_of_eight_experts_know_more_than_one_and_a_balance_loss_keeps_top_1_experts_alive()
    {
        Run("digits", "--gates", "one-16,top2,top1,top1-balanced", "--epochs", "3", "--seeds", "0", "--out", _folder);

        Dictionary<string, Dictionary<string, string>> outcomes = Results.Read(Path.Combine(_folder, "digits", "summary.csv")).ToDictionary(o => o["Gate"]);
        double Of(string gate, string column) => Results.Number(outcomes[gate][column]);
        Assert.True(Of("top2", "TestAccuracy") > Of("one-16", "TestAccuracy") + 0.1, $"{Of("top2", "TestAccuracy")} against {Of("one-16", "TestAccuracy")}");
        Assert.True(Of("top1-balanced", "LoadCV") < 0.8 * Of("top1", "LoadCV"), $"{Of("top1-balanced", "LoadCV")} against {Of("top1", "LoadCV")}");
        Assert.Equal(0, Of("top1", "MinLoad"), 0.01);
    }

    [Fact]
    public void Ctrl_C_keeps_what_is_finished()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Sends a POSIX signal.");
        }

        string[] arguments = ["digits", "--gates", "one-16", "--epochs", "2", "--log-every", "10", "--seeds", "0,1,2,3,4,5,6,7,8,9", "--out", _folder];
        string outcome = Path.Combine(_folder, "digits", "one-16", "seed-0", "outcome.csv");
        using (var process = new ExampleProcess("MoeGating", arguments, ExampleProcess.HearingCtrlC))
        {
            Results.WaitForLines(outcome, 2);
            process.Interrupt();
            (int exitCode, string output, string errors) = process.Wait();
            Assert.True(exitCode == 130, output + errors);
            Assert.Contains("Stopped; '--resume' continues.", output, StringComparison.Ordinal);
        }

        string first = File.ReadAllText(outcome);
        Assert.InRange(Outcomes(), 1, 9);
        Run([.. arguments, "--resume"]);
        Assert.Equal(first, File.ReadAllText(outcome)); // its seconds too
        Assert.Equal(10, Outcomes());

        int Outcomes() => Directory.GetFiles(_folder, "outcome.csv", SearchOption.AllDirectories).Length;
    }

    [Theory]
    [InlineData("'program' is 'digit'; one of digits, gaussian, or nothing for both, is required.", "digit")]
    [InlineData("'--sizes' is an option of 'gaussian'; an option of 'digits' is required.", "digits", "--sizes", "100,200,300")]
    [InlineData("'--epochs' is an option of 'digits'; an option of 'gaussian' is required.", "gaussian", "--epochs", "3")]
    [InlineData("'--gates' has 'top3'; one or more of one-16, one-128, softmax,", "--gates", "top2,top3")]
    [InlineData("'--sizes' is '1000,2000'; at least 3 numbers from 100 are required", "--sizes", "1000,2000")]
    [InlineData("'--sizes' is '50,1000,2000'", "--sizes", "50,1000,2000")]
    [InlineData("'--sizes' is 'many'", "--sizes", "many")]
    [InlineData("'--repetitions' is '0'; a whole number from 1 to 10000 is required.", "--repetitions", "0")]
    [InlineData("'--seeds' is '1,1'", "--seeds", "1,1")]
    [InlineData("'--epochs' is 'ten'", "--epochs", "ten")]
    [InlineData("--epoch", "--epoch", "3")]
    [InlineData("'--resume' finds no results", "--resume")]
    [InlineData("'--out' is ''; a folder is required.", "--out", "")]
    public void A_mistake_is_named_and_ends_with_exit_code_2(string message, params string[] args)
    {
        (int exitCode, _, string errors) = InThisProcess.Run(typeof(MoeGating.Options).Assembly, args.Contains("--out") ? args : [.. args, "--out", _folder]);

        Assert.Equal(2, exitCode);
        Assert.Contains(message, errors, StringComparison.Ordinal);
    }

    private string Run(params string[] arguments)
    {
        (int exitCode, string output, string errors) = InThisProcess.Run(typeof(MoeGating.Options).Assembly, arguments);
        Assert.True(exitCode == 0, output + errors);
        return output;
    }

    private static string WithoutSeconds(string line) => line.Contains(',', StringComparison.Ordinal) ? line[..line.LastIndexOf(',')] : line;

    private static void AssertPicture(string output, string picture)
    {
        if (output.Contains("picture  ", StringComparison.Ordinal))
        {
            Assert.Equal("PNG"u8.ToArray(), File.ReadAllBytes(picture)[1..4]);
        }
        else
        {
            Assert.Contains("gnuplot is not installed", output, StringComparison.Ordinal);
        }
    }
}
