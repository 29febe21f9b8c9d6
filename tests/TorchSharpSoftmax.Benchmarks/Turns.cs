using System.Diagnostics;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>One way of doing what a row measures.</summary>
internal readonly record struct Turn(string Variant, Action Call);

/// <summary>Times variants call by call, from microseconds to many seconds: next to each other, in an order drawn for the round, and with the processor's peak between them or without.</summary>
internal static class Turns
{
    private const string Peak = "peak", Bound = "bound";

    /// <summary>Calls are repeated for so long, at least; and so often, unless that takes a second: the first ones pay for memory that the variant before them gave back to the system.</summary>
    private const double LeastMilliseconds = 100, MostMilliseconds = 1000, Calls = 9;

    /// <summary>The peak beside a row's times.</summary>
    public static Amount PeakColumn => new("FMA peak, GFLOP/s", Peak, "0");

    /// <summary>How much of the peak a variant reaches.</summary>
    public static Share ShareOfPeak(string title, string variant) => new(title, Bound, variant);

    /// <summary>Each variant's time, and what so many floating-point operations take at the peak, which is measured between the variants.</summary>
    public static IEnumerable<Measurement> Take<T>(Type table, ICase row, int round, double operations, params Turn[] turns) where T : unmanaged
    {
        Turn[] order = [.. turns];
        new Random(1000 + round).Shuffle(order);
        int threads = TorchSharp.torch.get_num_threads();
        double peak = FmaPeak.Measure<T>(threads);
        var times = new List<Measurement>();
        foreach (Turn turn in order)
        {
            times.Add(new(table, row, turn.Variant, round, Median(turn.Call)));
            peak = Math.Max(peak, FmaPeak.Measure<T>(threads));
        }

        return [.. times, new(table, row, Peak, round, peak), new(table, row, Bound, round, operations / peak)];
    }

    /// <summary>Each variant's time, and nothing between the variants.</summary>
    public static IEnumerable<Measurement> Take(Type table, ICase row, int round, params Turn[] turns)
    {
        Turn[] order = [.. turns];
        new Random(1000 + round).Shuffle(order);
        return [.. order.Select(turn => new Measurement(table, row, turn.Variant, round, Median(turn.Call)))];
    }

    /// <summary>How much more time one call takes than another: the median over pairs of calls next to each other.</summary>
    public static Measurement Added(Type table, ICase row, int round, string variant, Action more, Action less)
    {
        var added = new List<double>();
        for (double all = 0; all < 2 * LeastMilliseconds * 1e6;)
        {
            double with = Once(more), without = Once(less);
            added.Add(with - without);
            all += with + without;
        }

        return new(table, row, variant, round, Report.Median([.. added.Order()]));
    }

    private static double Once(Action call)
    {
        long start = Stopwatch.GetTimestamp();
        call();
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds;
    }

    private static double Median(Action call)
    {
        var times = new List<double>();
        for (double all = 0; all < LeastMilliseconds * 1e6 || (times.Count < Calls && all < MostMilliseconds * 1e6); all += times[^1])
        {
            times.Add(Once(call));
        }

        return Report.Median([.. times.Order()]);
    }
}
