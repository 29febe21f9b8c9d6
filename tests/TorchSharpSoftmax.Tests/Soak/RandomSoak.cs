using System.Collections.Concurrent;
using System.Diagnostics;

namespace TorchSharpSoftmax.Tests;

/// <summary>Random cases over all operators, on as many threads as there are cores.</summary>
internal static class RandomSoak
{
    private const int Told = 20;

    /// <summary>Whether none was off.</summary>
    internal static bool Run(int seed, int first, int cases)
    {
        if (cases == 0)
        {
            return true;
        }

        TorchSharp.torch.set_num_threads(1); // the threads are taken by cases
        var counts = new ConcurrentDictionary<string, long>();
        var watch = Stopwatch.StartNew();
        int wrong = 0, done = 0;
        SoakCommand.Say($"random cases: seed {seed}, {cases} of {RandomFamily.All.Length} families");
        Parallel.For(0, cases, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            try
            {
                RandomFamily.Run(seed, first + (long)i, counts);
            }
            catch (Exception error)
            {
                if (Interlocked.Increment(ref wrong) <= Told)
                {
                    SoakCommand.Say($"MISMATCH {error.Message}");
                    SoakCommand.Say($"  repeat it with --seed {seed} --first {first + (long)i} --cases 1 --steps 0");
                }
            }

            int now = Interlocked.Increment(ref done);
            if (now % 10_000 == 0)
            {
                SoakCommand.Say($"  {now} cases, {wrong} off, {now / watch.Elapsed.TotalSeconds:0} a second");
            }
        });
        SoakCommand.Say($"random cases: {done} of them, {wrong} off, {watch.Elapsed.TotalSeconds:0} s; {string.Join(", ", counts.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key} {pair.Value}"))}");
        return wrong == 0;
    }
}
