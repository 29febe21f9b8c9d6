using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels;

/// <summary>The natural logarithm; 0 of 1 exactly, infinity of infinity, NaN of NaN. Domain: 2^-100 and more.</summary>
/// <remarks>
/// Types: float and double (error: 2 ulp). log(m * 2^n) = n ln 2 + 2 artanh((m - 1) / (m + 1)) with m in [0.7, 1.42], by artanh's own series.
/// A pass makes one at its start: the constants then stay in registers, where literals would be read from memory for every vector.
/// </remarks>
internal readonly unsafe struct Logarithm<V, T>
    where V : unmanaged, ILanes<V, T>
    where T : unmanaged
{
    private readonly V _infinity, _one, _sqrtHalf, _ln2, _ln2Rest, _c1, _c2, _c3, _c4, _c5, _c6, _c7, _c8, _c9, _c10;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Logarithm()
    {
        T* at = Logarithm.Constants<T>.At;
        _infinity = V.Broadcast(at[0]);
        _one = V.Broadcast(at[1]);
        _sqrtHalf = V.Broadcast(at[2]);
        _ln2 = V.Broadcast(at[3]);
        _ln2Rest = V.Broadcast(at[4]);
        _c1 = V.Broadcast(at[5]);
        _c2 = V.Broadcast(at[6]);
        _c3 = V.Broadcast(at[7]);
        _c4 = V.Broadcast(at[8]);
        if (typeof(T) == typeof(float)) return;
        _c5 = V.Broadcast(at[9]);
        _c6 = V.Broadcast(at[10]);
        _c7 = V.Broadcast(at[11]);
        _c8 = V.Broadcast(at[12]);
        _c9 = V.Broadcast(at[13]);
        _c10 = V.Broadcast(at[14]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal V Log(V x)
    {
        V below = V.ExponentOf(x * _sqrtHalf), n = below + _one;
        V m = V.Scale(x * V.Broadcast(Const.Of<T>(0.25)), _one - below); // in [sqrt(1/2), sqrt(2)); the power of two alone stays in range
        V t = (m - _one) / (m + _one), z = t * t, p;
        if (typeof(T) == typeof(float))
        {
            p = V.Fma(V.Fma(V.Fma(_c4, z, _c3), z, _c2), z, _c1);
        }
        else
        {
            p = V.Fma(V.Fma(V.Fma(_c10, z, _c9), z, _c8), z, _c7);
            p = V.Fma(V.Fma(V.Fma(p, z, _c6), z, _c5), z, _c4);
            p = V.Fma(V.Fma(V.Fma(p, z, _c3), z, _c2), z, _c1);
        }
        V log = V.Fma(n, _ln2, V.Fma(n, _ln2Rest, V.Fma(t * z, p, t + t)));
        return V.WhereLess(x, _infinity, log, x);
    }
}

/// <summary>The numbers behind <see cref="Logarithm{V, T}"/>.</summary>
internal static unsafe class Logarithm
{
    /// <summary>The constants as T, in memory that never moves and that the JIT does not read ahead of time.</summary>
    internal static class Constants<T> where T : unmanaged
    {
        internal static readonly T* At = Lay();

        private static T* Lay()
        {
            double ln2 = Const.ToDouble(Const.Of<T>(0.6931471805599453));
            double rest = typeof(T) == typeof(float) ? 0.6931471805599453 - ln2 : 2.3190468138462996e-17;
            double[] values = [double.PositiveInfinity, 1, 0.7071067811865476, ln2, rest, .. Enumerable.Range(1, 10).Select(k => 2.0 / (2 * k + 1))];
            T* at = (T*)NativeMemory.AlignedAlloc((nuint)(values.Length * sizeof(T)), 64);
            for (int i = 0; i < values.Length; i++) at[i] = Const.Of<T>(values[i]);
            return at;
        }
    }
}
