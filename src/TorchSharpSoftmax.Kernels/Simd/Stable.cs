using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>StableMax's s(x) = x + 1 for x &gt;= 0, 1 / (1 - x) for x &lt; 0, and what its derivatives need, from one division.</summary>
/// <remarks>"Grokking at the Edge of Numerical Stability": s'/s = 1 / (1 + |x|). -infinity gives 0 and 0; NaN stays NaN.</remarks>
internal readonly struct Stable<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    /// <summary>s(x).</summary>
    internal readonly V S;

    /// <summary>1 / (1 + |x|), the derivative of log s(x).</summary>
    internal readonly V Slope;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Stable(V x)
    {
        V one = V.Broadcast(Const.Of<T>(1)), grown = one + V.Abs(x);
        Slope = one / grown;
        S = V.WhereLess(x, V.Broadcast(Const.Of<T>(0)), Slope, grown);
    }

    /// <summary>s(x) * scale with no rounding of s(x) in between, and no overflow or underflow where scale sees to it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Scaled(V x, V scale)
    {
        V grown = V.Broadcast(Const.Of<T>(1)) + V.Abs(x);
        return V.WhereLess(x, V.Broadcast(Const.Of<T>(0)), scale / grown, scale * grown);
    }
}
