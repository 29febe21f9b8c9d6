using System.Numerics;

namespace TorchSharpSoftmax.Kernels;

/// <summary>What a row's log-probabilities are multiplied with: q = weight * ((1 - smoothing) * target + smoothing / length).</summary>
/// <remarks>The part that every class has is called dense; of a class number the rest is one element.</remarks>
internal readonly unsafe struct CrossEntropyTargets(long* classes, void* probabilities, void* weight, nint length, long ignored, double smoothing)
{
    internal readonly long* Classes = classes;

    /// <summary>Of the logits' type and layout; null where targets are class numbers.</summary>
    internal readonly void* Probabilities = probabilities;

    /// <summary>One number per class, of the computing type; null where all are 1.</summary>
    internal readonly void* Weight = weight;

    internal readonly nint Length = length;

    internal bool IsDense => Probabilities != null || smoothing > 0;

    /// <summary>What of a target itself counts.</summary>
    internal double OfTarget => 1 - smoothing;

    /// <summary>What every class gets.</summary>
    internal double OfEach => smoothing / Length;

    internal bool IsIgnored(nint row) => Classes != null && Classes[row] == ignored;

    internal double WeightOf<T>(long y) where T : unmanaged => Weight == null ? 1 : Const.ToDouble(((T*)Weight)[y]);

    /// <summary>Where the passes find weights, and the mask of the index into them: without weights they read the same ones again and again.</summary>
    internal nint WeightOrOnes<T>(T* ones, out T* weight) where T : unmanaged
    {
        new Span<T>(ones, RowBatch.MostLanes).Fill(Const.Of<T>(1));
        weight = Weight == null ? ones : (T*)Weight;
        return Weight == null ? 0 : -1;
    }

    /// <summary>What a mean is divided by: the weights of all targets that count; and the first target that is no class, or -1.</summary>
    internal (nint Wrong, double Weight) Scan<T>(nint rows) where T : unmanaged
    {
        if (Classes == null) return (-1, rows);
        nint counted = 0;
        double sum = 0;
        for (nint row = 0; row < rows; row++)
        {
            long y = Classes[row];
            if (y == ignored) continue;
            if ((ulong)y >= (ulong)Length) return (row, double.NaN);
            counted++;
            if (Weight != null) sum += Const.ToDouble(((T*)Weight)[y]);
        }
        return (-1, Weight == null ? counted : sum);
    }
}

/// <summary>One row between the passes.</summary>
internal struct RowTerms
{
    /// <summary>What tells the largest element; see <see cref="ILink{L, V, T}"/>.</summary>
    internal double Top;

    /// <summary>The largest term, and the sum of all the others.</summary>
    internal double Most, Others;

    /// <summary>What <see cref="IGap{G, V, T}.Of"/> takes of log(Top).</summary>
    internal double LogTop;

    /// <summary>Sums over the dense part: of q, and of q times the distance to the largest log-probability.</summary>
    internal double Weight, Gaps;

    internal bool Skip;
}

/// <summary>What a row's gradient is written from.</summary>
internal struct GradientRow<T>
{
    internal T Top, Scale, Coefficient;

    /// <summary>The key from which on an element counts as the largest. Infinite where no probability is above one half: there p is as precise as 1 - p.</summary>
    internal T Largest;

    /// <summary>For a dense part: the row's upstream gradient, the sum of q in two parts, and upstream * sum(q) * (1 - the largest probability).</summary>
    internal T Upstream, Weight, WeightRest, Fall;

    /// <summary>The gradient of the target's element, where the target is a class number.</summary>
    internal T OfTarget;

    internal bool Skip;
}
