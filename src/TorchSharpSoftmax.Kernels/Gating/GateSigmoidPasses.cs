using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The walks of the sigmoid gate: scores, a choice by scores and bias among the best groups, and weights of the scores alone.</summary>
internal static unsafe class GateSigmoidPasses<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;

    /// <summary>x becomes 1 / (1 + e^-x), choice that and the expert's bias; Bad as in <see cref="GateSelect{V, T}"/>, and Rate.</summary>
    [MethodImpl(OnePass)]
    internal static void Scores(T* x, nint n, T* bias, T* choice, GateLanes<T> lanes)
    {
        nint w = V.Count;
        var sigmoid = new GateSigmoid<V, T>();
        V zero = V.Broadcast(Const.Of<T>(0)), sum = zero, lost = zero, bad = zero;
        for (nint e = 0; e < n; e++, x += w, choice += w)
        {
            V s = sigmoid.Of(V.Load(x));
            bad = V.WhereNaN(s, s, bad);
            V.Store(s, x);
            V.Store(bias == null ? s : s + V.Broadcast(bias[e]), choice);
            Folded<V, T>.Add(ref sum, ref lost, s);
        }
        V.Store(bad, lanes.Bad);
        V.Store(V.Broadcast(Const.Of<T>(1)) / (sum + lost + V.Broadcast(Const.Of<T>(GateRule.Least))), lanes.Rate);
    }

    /// <summary>The sum of each group's two best choices; NaN and -infinity are the lowest finite number, so that a group of two such is below one with another.</summary>
    [MethodImpl(OnePass)]
    internal static void GroupScores(T* choice, nint groups, nint size, T* scores)
    {
        nint w = V.Count;
        V lowest = V.Broadcast(Lowest);
        for (nint g = 0; g < groups; g++, scores += w)
        {
            V first = lowest, second = lowest;
            for (nint i = 0; i < size; i++, choice += w)
            {
                V c = Finite(V.Load(choice), lowest);
                second = V.AtLeast(second, V.AtMost(c, first));
                first = V.AtLeast(first, c);
            }
            V.Store(size == 1 ? first : first + second, scores);
        }
    }

    /// <summary>Choices outside the kept groups become -infinity, and those inside are above it.</summary>
    [MethodImpl(OnePass)]
    internal static void Mask(T* choice, nint groups, nint size, T* keptGroups, nint kept)
    {
        nint w = V.Count;
        V lowest = V.Broadcast(Lowest), least = V.Broadcast(Const.Of<T>(double.NegativeInfinity)), one = V.Broadcast(Const.Of<T>(1));
        V half = V.Broadcast(Const.Of<T>(0.5)), zero = V.Broadcast(Const.Of<T>(0)), group = zero;
        for (nint g = 0; g < groups; g++, group += one)
        {
            V isKept = zero;
            for (nint j = 0; j < kept * w; j += w) isKept = V.WhereLess(V.Abs(V.Load(keptGroups + j) - group), half, one, isKept);
            for (nint i = 0; i < size; i++, choice += w) V.Store(V.WhereLess(isKept, half, least, Finite(V.Load(choice), lowest)), choice);
        }
    }

    /// <summary>The scores at the list's places.</summary>
    [MethodImpl(OnePass)]
    internal static void Gather(T* scores, T* places, nint k, T* values)
    {
        nint w = V.Count;
        for (nint i = 0; i < k * w; i += w)
        {
            for (nint lane = 0; lane < w; lane++) values[i + lane] = scores[Const.ToWhole(places[i + lane]) * w + lane];
        }
    }

    /// <summary>The list's scores, each times scale over their sum.</summary>
    [MethodImpl(OnePass)]
    internal static void Weigh(T* values, nint k, double scale, T* bad)
    {
        V sum = V.Broadcast(Const.Of<T>(0)), wrong = V.Load(bad);
        for (nint i = 0; i < k * V.Count; i += V.Count) sum += V.Load(values + i);
        sum += V.Broadcast(Const.Of<T>(GateRule.Least));
        for (nint i = 0; i < k * V.Count; i += V.Count)
            V.Store(V.WhereNaN(wrong, wrong, V.Load(values + i) / sum * V.Broadcast(Const.Of<T>(scale))), values + i);
    }

    private static T Lowest
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Const.Of<T>(float.MinValue, double.MinValue);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Finite(V c, V lowest) => V.AtLeast(V.WhereNaN(c, lowest, c), lowest);
}

/// <summary>1 / (1 + e^-x) and its derivative, both to a few ulp however large x is; 0 and 1 at the ends, NaN of NaN.</summary>
internal readonly struct GateSigmoid<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    private readonly ExtExp<V, T> _exp;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public GateSigmoid() => _exp = new();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Of(V x)
    {
        V zero = V.Broadcast(Const.Of<T>(0)), one = V.Broadcast(Const.Of<T>(1)), e = OfMinusAbs(x);
        return V.WhereLess(x, zero, e, one) / (one + e);
    }

    /// <summary>The derivative, with the value itself.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Slope(V x, out V value)
    {
        V zero = V.Broadcast(Const.Of<T>(0)), one = V.Broadcast(Const.Of<T>(1)), e = OfMinusAbs(x), per = one / (one + e);
        value = V.WhereLess(x, zero, e, one) * per;
        return e * per * per;
    }

    /// <summary>e^-|x|.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private V OfMinusAbs(V x)
    {
        V zero = V.Broadcast(Const.Of<T>(0));
        return _exp.Term(V.AtLeast(zero - V.Abs(x), _exp.Floor), zero);
    }
}
