using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The hyperbolic tangent, to a few ulp of the result however small x is; +-1 at the ends, NaN of NaN.</summary>
/// <remarks>tanh|x| = -e / (2 + e) with e = exp(-2|x|) - 1, made without forming the exponential where it is near 1.</remarks>
internal readonly struct Tanh<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    private readonly ExtExp<V, T> _exp;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Tanh() => _exp = new();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Of(V x)
    {
        V zero = V.Broadcast(Const.Of<T>(0)), size = V.Abs(x);
        V e = _exp.LessOne(V.AtLeast(zero - (size + size), V.Broadcast(Const.Of<T>(-40, -80))));
        V tanh = (zero - e) / (V.Broadcast(Const.Of<T>(2)) + e);
        return V.WhereLess(x, zero, zero - tanh, tanh);
    }
}
