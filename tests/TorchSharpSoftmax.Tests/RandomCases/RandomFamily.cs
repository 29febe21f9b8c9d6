using System.Collections.Concurrent;
using System.Globalization;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>The random cases of one operator: values and gradients against libtorch or a composition in float64.</summary>
/// <param name="Name">The operator's.</param>
/// <param name="Compare">Draws a case, runs and compares it; the text goes before that of a failure.</param>
internal sealed record RandomFamily(string Name, Action<RandomDraw, string> Compare)
{
    internal const string SeedVariable = "TORCHSHARPSOFTMAX_TEST_SEED";

    internal static RandomFamily[] All { get; } =
        [.. RandomRows.Families, .. RandomLosses.Families, .. RandomProjections.Families, .. RandomGates.Families, .. RandomRouting.Families];

    /// <summary>The seed that the environment gives, else always the same: what a run of the tests says does not hang on the clock. New cases are the Soak task's.</summary>
    internal static int Seed { get; } = int.Parse(Environment.GetEnvironmentVariable(SeedVariable) ?? "1", CultureInfo.InvariantCulture);

    /// <summary>Case <paramref name="number"/> of a run; cases take the operators in turn. A mismatch says seed, case and worst element.</summary>
    internal static void Run(int seed, long number, ConcurrentDictionary<string, long> counts) => All[number % All.Length].One(seed, number, counts);

    internal void One(int seed, long number, ConcurrentDictionary<string, long> counts)
    {
        string what = $"seed {seed}, case {number}: {Name}";
        using var scope = NewDisposeScope();
        var draw = new RandomDraw(seed, number, counts);
        draw.Count(Name);
        try
        {
            Compare(draw, what);
        }
        catch (Exception error) when (!error.Message.StartsWith(what, StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"{what}: {error.GetType().Name}: {error.Message}", error);
        }
    }

    public override string ToString() => Name;
}
