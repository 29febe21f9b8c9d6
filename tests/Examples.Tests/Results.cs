using System.Globalization;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>What a run of the grokking example left in its folder.</summary>
internal static class Results
{
    public static string Folder(string output, string run = "run", int seed = 0) => Path.Combine(output, run, $"seed-{seed}");

    public static Dictionary<string, string>[] Read(string csv)
    {
        string[] lines = File.ReadAllLines(csv);
        string[] names = lines[0].Split(',');
        return [.. lines.Skip(1).Select(line => names.Zip(line.Split(',')).ToDictionary(c => c.First, c => c.Second))];
    }

    public static (int Epoch, double Train, double Test)[] Accuracies(string output, string run = "run", int seed = 0) =>
        [.. Read(Path.Combine(Folder(output, run, seed), "metrics.csv")).Select(r => (int.Parse(r["Epoch"], CultureInfo.InvariantCulture), Number(r["TrainAccuracy"]), Number(r["TestAccuracy"])))];

    /// <summary>A file's lines without their last column, where the seconds are.</summary>
    public static IEnumerable<string> WithoutSeconds(string output, string run = "run", int seed = 0) =>
        File.ReadAllLines(Path.Combine(Folder(output, run, seed), "metrics.csv")).Select(line => line[..line.LastIndexOf(',')]);

    public static int LastEpoch(string output, string run = "run") =>
        int.Parse(Read(Path.Combine(Folder(output, run), "metrics.csv"))[^1]["Epoch"], CultureInfo.InvariantCulture);

    public static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>Two folders of results hold the same numbers, to the last bit.</summary>
    public static void AssertSame(string expected, string actual, string run = "run", int seed = 0)
    {
        Xunit.Assert.Equal(WithoutSeconds(expected, run, seed), WithoutSeconds(actual, run, seed));
        foreach (string file in new[] { "layers.csv", "checkpoint/model.bin", "checkpoint/optimizer.bin", "checkpoint/random.bin" })
        {
            Xunit.Assert.Equal(File.ReadAllBytes(Path.Combine(Folder(expected, run, seed), file)), File.ReadAllBytes(Path.Combine(Folder(actual, run, seed), file)));
        }
    }

    /// <summary>Waits until a file has so many lines; the test that follows says whether it did.</summary>
    public static void WaitForLines(string file, int lines)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while ((!File.Exists(file) || File.ReadAllLines(file).Length < lines) && clock.Elapsed < TimeSpan.FromMinutes(1))
        {
            Thread.Sleep(20);
        }
    }
}
