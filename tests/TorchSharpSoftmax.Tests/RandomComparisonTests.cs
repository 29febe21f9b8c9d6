using System.Collections.Concurrent;

namespace TorchSharpSoftmax.Tests;

/// <summary>A few hundred random cases of each operator, against libtorch or float64; the Soak task runs a hundred thousand.</summary>
public sealed class RandomComparisonTests(ITestOutputHelper output)
{
    // the stand-in's strict mode collects inside every step
    private static readonly int Cases = Environment.GetEnvironmentVariable("TORCHSHARP_STANDIN_STRICT") == "1" ? 20 : 250;

    public static TheoryData<string> Families => [.. RandomFamily.All.Select(family => family.Name)];

    [Theory]
    [MemberData(nameof(Families))]
    public void Random_shapes_strides_dtypes_and_options_agree(string name)
    {
        int seed = RandomFamily.Seed;
        Say($"seed {seed} ({RandomFamily.SeedVariable}={seed} repeats this run)");
        var family = RandomFamily.All.Single(family => family.Name == name);
        var counts = new ConcurrentDictionary<string, long>();
        for (int i = 0; i < Cases; i++)
        {
            family.One(seed, i, counts);
        }

        Say($"{Cases} cases: {string.Join(", ", counts.Select(pair => $"{pair.Key}: {pair.Value}"))}");
        Assert.Equal(Cases, counts[name]);
    }

    /// <summary>What the cases are meant to reach, they reach: every dtype and layout, in a run long enough to tell.</summary>
    [Fact]
    [BestWidthOnly]
    public void Every_dtype_and_layout_is_drawn()
    {
        var counts = new ConcurrentDictionary<string, long>();
        for (int i = 0; i < 10 * RandomFamily.All.Length; i++)
        {
            RandomFamily.Run(RandomFamily.Seed, i, counts);
        }

        string[] due = [.. RandomDraw.Dtypes.Select(dtype => dtype.ToString()), "contiguous", "transposed", "sliced", "storage offset", "expanded", .. RandomFamily.All.Select(family => family.Name)];
        Assert.All(due, what => Assert.True(counts.GetValueOrDefault(what) >= 5, $"{what}: {counts.GetValueOrDefault(what)} cases."));
    }

    private void Say(string text)
    {
        output.WriteLine(text);
        Console.WriteLine(text);
    }
}
