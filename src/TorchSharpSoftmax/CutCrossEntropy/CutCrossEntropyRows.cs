using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What a target is.</summary>
internal enum CutCrossEntropyTargetKind
{
    ClassNumbers,
    Sparse,
    Probabilities,
}

/// <summary>The tokens that count, and what counts of them. Ignored tokens are in none of the arrays: they cost nothing.</summary>
internal sealed class CutCrossEntropyRows
{
    private bool[] _padding = [];

    private CutCrossEntropyRows(long[] shape, long shift, int perRow, CutCrossEntropyTargetKind kind)
    {
        (Shift, TargetsPerRow, Kind) = (shift, perRow, kind);
        Line = shape.Length == 0 ? 1 : shape[^1];
        Shape = shape.Length == 0 ? [] : [.. shape[..^1], shape[^1] - shift];
        foreach (long size in Shape)
        {
            Tokens *= size;
        }
    }

    internal CutCrossEntropyTargetKind Kind { get; }

    /// <summary>Of per-token results: the input's without features, less the tokens at the end that have no target.</summary>
    internal long[] Shape { get; }

    /// <summary>How many per-token results there are.</summary>
    internal long Tokens { get; private set; } = 1;

    /// <summary>By how many rows a target lies behind its input.</summary>
    internal long Shift { get; }

    internal int TargetsPerRow { get; }

    internal int Count => Inputs.Length;

    /// <summary>Of each counted row: which row of the input it is, and which per-token result.</summary>
    internal long[] Inputs { get; private set; } = [];

    internal long[] Places { get; private set; } = [];

    /// <summary>[Count, TargetsPerRow].</summary>
    internal long[] Targets { get; private set; } = [];

    internal double[]? Shares { get; private set; }

    /// <summary>Of counted rows; null where all are 1.</summary>
    internal double[]? Weights { get; private set; }

    /// <summary>What a mean is divided by.</summary>
    internal double Mass { get; private set; }

    private long Line { get; }

    /// <summary>The arguments have been checked, but for class numbers.</summary>
    internal static CutCrossEntropyRows Of(
        CutCrossEntropyTargetKind kind, Tensor input, Tensor target, long classes, Tensor? weight, long ignore_index, LinearCrossEntropyOptions options)
    {
        int perRow = kind switch
        {
            CutCrossEntropyTargetKind.ClassNumbers => 1,
            CutCrossEntropyTargetKind.Sparse => (int)target.size((int)target.ndim - 1),
            _ => 0,
        };
        var rows = new CutCrossEntropyRows(input.shape[..^1], options.shift, perRow, kind);
        long[] ofTarget = rows.Fill(kind, target, classes, ignore_index, options.target_probabilities);
        if (options.token_weights is not null)
        {
            double[] all = ElementAccess.Values(options.token_weights);
            rows.Weights = Array.ConvertAll(ofTarget, at => all[at]);
        }

        rows.Mass = rows.Sum(kind == CutCrossEntropyTargetKind.ClassNumbers && weight is not null ? ElementAccess.Values(weight) : null);
        return rows;
    }

    /// <summary>A value of each counted row among those of all tokens.</summary>
    internal T[] Spread<T>(T others, Func<int, T> value)
    {
        var all = new T[Tokens];
        Array.Fill(all, others);
        for (int i = 0; i < Places.Length; i++)
        {
            all[Places[i]] = value(i);
        }

        return all;
    }

    /// <summary>[Count, TargetsPerRow]: where ignore_index fills up a row of sparse targets.</summary>
    internal Tensor Padding(Device device) => tensor(_padding, [Count, TargetsPerRow], ScalarType.Bool, device);

    /// <summary>Fills in the rows; answers where in the targets each lies.</summary>
    private long[] Fill(CutCrossEntropyTargetKind kind, Tensor target, long classes, long ignored, Tensor? shares)
    {
        long[] numbers = kind == CutCrossEntropyTargetKind.Probabilities ? [] : ElementAccess.Numbers(target);
        double[]? values = shares is null ? null : ElementAccess.Values(shares);
        long[] seen = kind == CutCrossEntropyTargetKind.Sparse ? new long[classes] : [];
        List<long> inputs = [], places = [], targets = [], ofTarget = [];
        List<double> counts = [];
        List<bool> padding = [];
        for (long place = 0; place < Tokens; place++)
        {
            long width = Line - Shift, at = (place / width * Line) + (place % width) + Shift;
            bool counted = kind switch
            {
                CutCrossEntropyTargetKind.ClassNumbers => AddClass(numbers, at, target, classes, ignored, targets),
                CutCrossEntropyTargetKind.Sparse => AddSparse(numbers, values!, at, target, seen, ignored, targets, counts, padding),
                _ => true,
            };
            if (counted)
            {
                inputs.Add(at - Shift);
                places.Add(place);
                ofTarget.Add(at);
            }
        }

        (Inputs, Places, Targets, Shares) = ([.. inputs], [.. places], [.. targets], values is null ? null : [.. counts]);
        _padding = [.. padding];
        return [.. ofTarget];
    }

    private static bool AddClass(long[] numbers, long at, Tensor target, long classes, long ignored, List<long> targets)
    {
        long y = numbers[at];
        if (y == ignored)
        {
            return false;
        }

        if ((ulong)y >= (ulong)classes)
        {
            throw CrossEntropyArguments.NoClass(target, at, classes, ignored);
        }

        targets.Add(y);
        return true;
    }

    /// <summary>A place that ignore_index fills up becomes any other class that counts 0.</summary>
    private bool AddSparse(
        long[] numbers, double[] shares, long at, Tensor target, long[] seen, long ignored, List<long> targets, List<double> counts, List<bool> padding)
    {
        long first = at * TargetsPerRow, mark = at + 1;
        int named = 0;
        for (long i = first; i < first + TargetsPerRow; i++)
        {
            long y = numbers[i];
            if (y == ignored)
            {
                continue;
            }

            if ((ulong)y >= (ulong)seen.Length)
            {
                throw CrossEntropyArguments.NoClass(target, i, seen.Length, ignored);
            }

            if (seen[y] == mark)
            {
                throw new ArgumentException(
                    $"'{nameof(target)}' has {y} a second time at {ElementAccess.Index(i, target.shape)}; different classes of one token are required.", nameof(target));
            }

            seen[y] = mark;
            named++;
        }

        if (named == 0)
        {
            return false;
        }

        long spare = 0;
        for (long i = first; i < first + TargetsPerRow; i++)
        {
            bool counts0 = numbers[i] == ignored;
            while (counts0 && seen[spare] == mark)
            {
                spare++;
            }

            targets.Add(counts0 ? spare++ : numbers[i]);
            counts.Add(counts0 ? 0 : shares[i]);
            padding.Add(counts0);
        }

        return true;
    }

    private double Sum(double[]? classWeights)
    {
        double sum = 0;
        for (int i = 0; i < Inputs.Length; i++)
        {
            sum += (Weights is null ? 1 : Weights[i]) * (classWeights is null ? 1 : classWeights[Targets[i]]);
        }

        return sum;
    }
}
