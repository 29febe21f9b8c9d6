using static TorchSharp.torch;

namespace LanguageModel;

/// <summary>
/// A stream of tokens cut into windows; each token's target is the one after it. Which windows a step learns from depends on the seed and the step
/// alone, so a resumed run needs nothing but its step.
/// </summary>
internal sealed class Batches(int[] tokens, Experiment e)
{
    private readonly int context = e.Context;
    private readonly int batch = e.Batch;
    private int epoch = -1;
    private int[] order = [];

    public int Windows => (tokens.Length - 1) / context;

    /// <summary>All windows once in each epoch, in another order each time; a rest that fills no batch waits for the next epoch.</summary>
    public (Tensor Input, Tensor Target) OfStep(int step)
    {
        int perEpoch = Windows / batch;
        if (epoch != step / perEpoch)
        {
            epoch = step / perEpoch;
            order = [.. Enumerable.Range(0, Windows)];
            new Random(unchecked((e.Seed * 1_000_003) + epoch)).Shuffle(order);
        }

        return Of(order.AsSpan(step % perEpoch * batch, batch));
    }

    /// <summary>The first windows in the order of the text, in batches; all but the last are full.</summary>
    public IEnumerable<(Tensor Input, Tensor Target)> First(int windows) =>
        Enumerable.Range(0, Math.Min(windows, Windows)).Chunk(batch).Select(chunk => Of(chunk));

    /// <returns>Tokens [windows, context], and their targets in one row.</returns>
    private (Tensor Input, Tensor Target) Of(ReadOnlySpan<int> windows)
    {
        long[] input = new long[windows.Length * context];
        long[] target = new long[input.Length];
        for (int i = 0; i < input.Length; i++)
        {
            int at = (windows[i / context] * context) + (i % context);
            input[i] = tokens[at];
            target[i] = tokens[at + 1];
        }

        return (tensor(input, [windows.Length, context]), tensor(target));
    }
}
