using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>
/// Every public entry with wrong shapes, dtypes, devices, disposed and overlapping tensors, numbers out of range: only refusals that are documented, nothing left behind,
/// and the process lives on to tell.
/// </summary>
[BestWidthOnly]
public sealed class MisuseTests(ITestOutputHelper output)
{
    private static readonly bool s_strict = Environment.GetEnvironmentVariable("TORCHSHARP_STANDIN_STRICT") == "1";

    public static TheoryData<string> Keys => [.. MisuseEntry.All.Select(entry => entry.Key).Distinct()];

    [Fact]
    public void Every_public_entry_has_a_sample_and_every_sample_an_entry()
    {
        string[] surface = [.. MisuseEntry.Surface.Select(MisuseEntry.KeyOf).Distinct()];
        string[] without = [.. surface.Except(MisuseSamples.All.Keys)], idle = [.. MisuseSamples.All.Keys.Except(surface)];
        Assert.True(without.Length == 0, $"Arguments that these entries take are due in MisuseSamples.All, by these keys: {string.Join("; ", without)}.");
        Assert.True(idle.Length == 0, $"MisuseSamples.All has arguments for what is no entry: {string.Join("; ", idle)}.");
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void Any_misuse_is_served_or_refused_by_name_and_leaves_nothing(string key)
    {
        output.WriteLine($"{RandomFamily.SeedVariable}={RandomFamily.Seed} repeats this run");
        int served = 0, refused = 0;
        int nodes = Live.Counts().Nodes;
        foreach (var entry in MisuseEntry.All.Where(entry => entry.Key == key))
        {
            Assert.Null(MisuseCall.Of(entry, false)); // the sample itself is right
            Misuse[] all = [.. Misuse.All(entry)];
            foreach (var misuse in all.Where((_, i) => !s_strict || i % 10 == 0))
            {
                Count(MisuseCall.Of(entry, false, misuse));
                Count(MisuseCall.Of(entry, true, misuse));
            }

            // two at a time, some of them
            var random = new Random(RandomFamily.Seed);
            for (int i = 0; i < (s_strict ? 4 : 60) && all.Length > 1; i++)
            {
                var first = all[random.Next(all.Length)];
                Misuse[] others = [.. all.Where(misuse => misuse.Parameter != first.Parameter)];
                Count(others.Length == 0 ? MisuseCall.Of(entry, true, first) : MisuseCall.Of(entry, random.Next(2) == 0, first, others[random.Next(others.Length)]));
            }
        }

        Assert.Equal(nodes, Live.Counts().Nodes);
        output.WriteLine($"{key}: {served} served, {refused} refused");
        Assert.True(refused > 0 || s_strict || IsCheckedLater(key), "Nothing was refused, though an argument is a tensor or a number with bounds: a check is missing, or a misuse of it in Misuses.cs.");

        void Count(Exception? refusal) => _ = refusal is null ? served++ : refused++;
    }

    /// <summary>A module takes any dim until it sees a tensor.</summary>
    private static bool IsCheckedLater(string key) => key.EndsWith("(dim)", StringComparison.Ordinal);
}
