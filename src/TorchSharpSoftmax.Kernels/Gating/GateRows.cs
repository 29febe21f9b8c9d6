using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The walks of backward over rows of logits, with an expert in each lane; every walk takes many rows.</summary>
internal static unsafe class GateRows<V, S, T, M>
    where V : unmanaged, ILanes<V, T>
    where S : unmanaged
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where M : struct, IStored<S, T>
{
    private const MethodImplOptions OnePass = MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization;

    /// <summary>y = e^(x - top) * share, and dots += sum(y * h).</summary>
    [MethodImpl(OnePass)]
    internal static void Probabilities(S* x, nint n, nint count, T* top, T* share, T* h, T* y, T* dots)
    {
        var exp = new ExtExp<V, T>();
        V zero = V.Broadcast(Const.Of<T>(0));
        for (nint row = 0; row < count; row++, x += n, y += n)
        {
            V most = V.Broadcast(top[row]), factor = V.Broadcast(share[row]), dot = zero;
            for (nint i = 0; i < n; i += V.Count)
            {
                V from = Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity);
                V p = exp.Term(V.AtLeast(from - most, exp.Floor), zero) * factor;
                Edge<V, T, T, AsItself<T>>.Store(p, y + i, n - i);
                dot = V.Fma(p, Edge<V, T, T, AsItself<T>>.Load(h + i, n - i, 0), dot);
            }
            dots[row] += V.Sum(dot);
        }
    }

    /// <summary>y = e^(x - top) * share * -dot.</summary>
    [MethodImpl(OnePass)]
    internal static void ProbabilitiesLess(S* x, nint n, nint count, T* top, T* share, T* dots, T* y)
    {
        var exp = new ExtExp<V, T>();
        V zero = V.Broadcast(Const.Of<T>(0));
        for (nint row = 0; row < count; row++, x += n, y += n)
        {
            V most = V.Broadcast(top[row]), factor = V.Broadcast(share[row]), less = V.Broadcast(-dots[row]);
            for (nint i = 0; i < n; i += V.Count)
            {
                V from = Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity);
                V p = exp.Term(V.AtLeast(from - most, exp.Floor), zero) * factor;
                Edge<V, T, T, AsItself<T>>.Store(p * less, y + i, n - i);
            }
        }
    }

    /// <summary>y += e^(x - top) * share * by.</summary>
    [MethodImpl(OnePass)]
    internal static void AddProbabilities(S* x, nint n, nint count, T* top, T* share, T* by, T* y)
    {
        var exp = new ExtExp<V, T>();
        V zero = V.Broadcast(Const.Of<T>(0));
        for (nint row = 0; row < count; row++, x += n, y += n)
        {
            V most = V.Broadcast(top[row]), factor = V.Broadcast(share[row] * by[row]);
            for (nint i = 0; i < n; i += V.Count)
            {
                V from = Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity);
                V p = exp.Term(V.AtLeast(from - most, exp.Floor), zero);
                Edge<V, T, T, AsItself<T>>.Store(V.Fma(p, factor, Edge<V, T, T, AsItself<T>>.Load(y + i, n - i, 0)), y + i, n - i);
            }
        }
    }

    /// <summary>With s = sigmoid(x): y = s' * rate, and dots += sum(s * rate * h).</summary>
    [MethodImpl(OnePass)]
    internal static void Scores(S* x, nint n, nint count, T* rate, T* h, T* y, T* dots)
    {
        var sigmoid = new GateSigmoid<V, T>();
        V zero = V.Broadcast(Const.Of<T>(0));
        for (nint row = 0; row < count; row++, x += n, y += n)
        {
            V factor = V.Broadcast(rate[row]), dot = zero;
            for (nint i = 0; i < n; i += V.Count)
            {
                V slope = sigmoid.Slope(Edge<V, S, T, M>.Load(x + i, n - i, double.NegativeInfinity), out V s);
                Edge<V, T, T, AsItself<T>>.Store(slope * factor, y + i, n - i);
                dot = V.Fma(s * factor, Edge<V, T, T, AsItself<T>>.Load(h + i, n - i, 0), dot);
            }
            dots[row] += V.Sum(dot);
        }
    }

    /// <summary>y = y * (h - dot).</summary>
    [MethodImpl(OnePass)]
    internal static void Combine(T* y, nint n, nint count, T* h, T* dots)
    {
        for (nint row = 0; row < count; row++, y += n)
        {
            V dot = V.Broadcast(dots[row]);
            for (nint i = 0; i < n; i += V.Count)
            {
                V p = Edge<V, T, T, AsItself<T>>.Load(y + i, n - i, 0);
                Edge<V, T, T, AsItself<T>>.Store(p * (Edge<V, T, T, AsItself<T>>.Load(h + i, n - i, 0) - dot), y + i, n - i);
            }
        }
    }

    /// <summary>x becomes sigmoid(x), and slopes its derivative; both have room for whole vectors.</summary>
    [MethodImpl(OnePass)]
    internal static void Slopes(T* x, T* slopes, nint n)
    {
        var sigmoid = new GateSigmoid<V, T>();
        for (nint i = 0; i < n; i += V.Count)
        {
            V.Store(sigmoid.Slope(V.Load(x + i), out V s), slopes + i);
            V.Store(s, x + i);
        }
    }

    /// <summary>To the stored type, rounded once.</summary>
    [MethodImpl(OnePass)]
    internal static void Store(T* from, S* to, nint n)
    {
        for (nint i = 0; i < n; i += V.Count) Edge<V, S, T, M>.Store(Edge<V, T, T, AsItself<T>>.Load(from + i, n - i, 0), to + i, n - i);
    }
}
