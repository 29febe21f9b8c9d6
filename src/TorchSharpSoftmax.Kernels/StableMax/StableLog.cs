using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The logarithm of a probability: log s(x) - log(sum), with log s(x) = sign(x) log(1 + |x|). Rounding never makes it positive.</summary>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly struct StableLog<V, T>(V logSum)
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    private readonly Logarithm<V, T> _logarithm = new();
    private readonly V _logSum = logSum;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Of(V x) => Of(x, _logSum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Of(V x, V logSum)
    {
        V zero = V.Broadcast(Const.Of<T>(0)), size = _logarithm.Log(V.Broadcast(Const.Of<T>(1)) + V.Abs(x));
        return V.AtMost(V.WhereLess(x, zero, zero - size, size) - logSum, zero);
    }
}
