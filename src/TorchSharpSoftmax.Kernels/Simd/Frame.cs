using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>In which frame exponentials of a row are taken: each is e^(x - Shift) * 2^-Exponent, at most about 1.</summary>
/// <remarks>For usual rows Shift is 0 and x is never rounded. Beyond <see cref="ExtExp.Limit"/>, and for infinities, it is the maximum, as in libtorch.</remarks>
[method: MethodImpl(MethodImplOptions.AggressiveInlining)]
internal readonly record struct Frame(double Shift, double Exponent)
{
    /// <summary>Kept exponentials are 2^64 times larger, so that only a final result can be subnormal: one rounding, gradual at every width.</summary>
    internal const int Bias = 64;

    internal static Frame Of<T>(T max) where T : unmanaged, IBinaryFloatingPointIeee754<T> => T.Abs(max) <= Const.Of<T>(ExtExp.Limit)
        ? new(0, Const.ToDouble(Lane1<T>.Max(new ExtExp<Lane1<T>, T>().Exponent(new(max)))))
        : new(Const.ToDouble(max), 0);
}
