using Grokking;
using Xunit;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>What the command line lists and refuses.</summary>
[Collection(InThisProcess.Name)]
public sealed class GrokkingCommandLineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("grokking").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_list_of_presets_tells_what_to_expect_of_each()
    {
        (int exitCode, string output, _) = ExampleProcess.Run("Grokking", "--preset", "list");

        Assert.Equal(0, exitCode);
        Assert.All(GrokkingPresetTests.Names, name => Assert.Matches($"(?m)^{name} +[A-Za-z0-9]", output));
    }

    [Fact]
    public void The_page_has_a_row_for_each_preset()
    {
        string? folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "docs", "grokking.md")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new FileNotFoundException("No docs/grokking.md above the tests.");
        }

        string page = File.ReadAllText(Path.Combine(folder, "docs", "grokking.md"));
        Assert.All(GrokkingPresetTests.Names, name => Assert.Contains($"\n| `{name}`", page, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("'--p' is '1'; a whole number from 2 to 1000 is required.", "--p", "1")]
    [InlineData("'--p' is 'ten'", "--p", "ten")]
    [InlineData("'--train-fraction' is '1'; a number above 0 and below 1 is required.", "--train-fraction", "1")]
    [InlineData("'--lr' is 'nan'", "--lr", "nan")]
    [InlineData("'--train-fraction' leaves 0 of 9 samples", "--p", "3", "--train-fraction", "0.01")]
    [InlineData("--epoch", "--epoch", "3")]
    [InlineData("--epochs", "--epochs")]
    [InlineData("'--task' is 'div'; one of add, sub, mul, parity is required.", "--task", "div")]
    [InlineData("'--loss' is '1'; one of softmax, stablemax, collapse-free is required.", "--loss", "1")]
    [InlineData("'--preset' is '3'; one of story, 1a,", "--preset", "3")]
    [InlineData("'--seeds' is '0,x'; one whole number from 0, or several different ones", "--seeds", "0,x")]
    [InlineData("'--seeds' is '2,2'", "--seed", "2,2")]
    [InlineData("'--stop-at-accuracy' is '0'; a number above 0, at most 1, is required.", "--stop-at-accuracy", "0")]
    [InlineData("'--preset 1a' has the same run twice under these flags, 'adamw' and 'perpgrad'", "--preset", "1a", "--perp-grad")]
    [InlineData("'--runs' has 'sgd'; of preset 1a one or more of adamw, perpgrad are required.", "--preset", "1a", "--runs", "adamw,sgd")]
    [InlineData("'--model' is 'transformer'; for '--task parity' 'mlp' is required", "--model", "transformer", "--task", "parity")]
    [InlineData("'--hidden' is '30'; a multiple of the transformer's 4 heads is required.", "--model", "transformer", "--hidden", "30")]
    [InlineData("'--dropout' is '0.1'; '--model transformer' is required", "--dropout", "0.1")]
    [InlineData("'--resume' finds no checkpoint", "--resume")]
    [InlineData("'--out' is ''; a folder is required.", "--out", "")]
    [InlineData("'--out' is '/dev/null/x'; a folder that can be written to is required", "--out", "/dev/null/x")]
    public void A_mistake_is_named_and_ends_with_exit_code_2(string message, params string[] args)
    {
        (int exitCode, _, string errors) = InThisProcess.Run(typeof(Options).Assembly, args.Contains("--out") ? args : ["--out", _folder, .. args]);

        Assert.Equal(2, exitCode);
        Assert.Contains(message, errors, StringComparison.Ordinal);
    }
}
