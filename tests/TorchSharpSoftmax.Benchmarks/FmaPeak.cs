using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using TorchSharpSoftmax.Kernels;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>
/// What the processor can multiply and add: chains of fused multiply-adds, none of which waits for another, on numbers that never leave the registers, at the width that the
/// kernels run at. No product of matrices is faster.
/// </summary>
internal static class FmaPeak
{
    private const int Steps = 1 << 18, UnitsPerThread = 8, Times = 3;

    private static double s_sink;

    /// <summary>Floating-point operations per nanosecond, a multiply-add counting two: the best of a few times.</summary>
    public static double Measure<T>(int threads) where T : unmanaged
    {
        double best = 0;
        for (int i = 0; i < Times; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Isa.Run<T, Kernel>(default, threads * UnitsPerThread, Steps, threads);
            best = Math.Max(best, (double)threads * UnitsPerThread * Operations<T>() / Stopwatch.GetElapsedTime(start).TotalNanoseconds);
        }

        return best;
    }

    /// <summary>Of a unit.</summary>
    private static double Operations<T>() where T : unmanaged => 2.0 * Steps * Chains(Isa.Bits / 8) * Math.Max(1, Isa.Bits / 8 / Unsafe.SizeOf<T>());

    /// <summary>As many as hide the latency and fit the registers, of which there are 32 at 512 bits and 16 otherwise.</summary>
    private static int Chains(int bytes) => bytes == 64 ? 20 : 12;

    private readonly struct Kernel : IRowKernel
    {
        public void Rows<V, S, T, M>(nint first, nint end)
            where V : unmanaged, ILanes<V, T>
            where S : unmanaged
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where M : struct, IStored<S, T>
        {
            // x * factor + term tends to 1, which is neither tiny nor huge.
            V factor = V.Broadcast(T.CreateChecked(0.75)), term = V.Broadcast(T.CreateChecked(0.25));
            for (nint unit = first; unit < end; unit++)
            {
                T sum = V.Sum(Chains(Unsafe.SizeOf<V>()) == 20 ? Twenty<V, T>(factor, term) : Twelve<V, T>(factor, term));
                Volatile.Write(ref s_sink, double.CreateChecked(sum));
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static V Twenty<V, T>(V factor, V term)
        where V : unmanaged, ILanes<V, T>
        where T : unmanaged
    {
        V a = term, b = term, c = term, d = term, e = term, f = term, g = term, h = term, i = term, j = term;
        V k = term, l = term, m = term, n = term, o = term, p = term, q = term, r = term, s = term, t = term;
        for (int step = 0; step < Steps; step++)
        {
            a = V.Fma(a, factor, term);
            b = V.Fma(b, factor, term);
            c = V.Fma(c, factor, term);
            d = V.Fma(d, factor, term);
            e = V.Fma(e, factor, term);
            f = V.Fma(f, factor, term);
            g = V.Fma(g, factor, term);
            h = V.Fma(h, factor, term);
            i = V.Fma(i, factor, term);
            j = V.Fma(j, factor, term);
            k = V.Fma(k, factor, term);
            l = V.Fma(l, factor, term);
            m = V.Fma(m, factor, term);
            n = V.Fma(n, factor, term);
            o = V.Fma(o, factor, term);
            p = V.Fma(p, factor, term);
            q = V.Fma(q, factor, term);
            r = V.Fma(r, factor, term);
            s = V.Fma(s, factor, term);
            t = V.Fma(t, factor, term);
        }

        return a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p + q + r + s + t;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static V Twelve<V, T>(V factor, V term)
        where V : unmanaged, ILanes<V, T>
        where T : unmanaged
    {
        V a = term, b = term, c = term, d = term, e = term, f = term, g = term, h = term, i = term, j = term, k = term, l = term;
        for (int step = 0; step < Steps; step++)
        {
            a = V.Fma(a, factor, term);
            b = V.Fma(b, factor, term);
            c = V.Fma(c, factor, term);
            d = V.Fma(d, factor, term);
            e = V.Fma(e, factor, term);
            f = V.Fma(f, factor, term);
            g = V.Fma(g, factor, term);
            h = V.Fma(h, factor, term);
            i = V.Fma(i, factor, term);
            j = V.Fma(j, factor, term);
            k = V.Fma(k, factor, term);
            l = V.Fma(l, factor, term);
        }

        return a + b + c + d + e + f + g + h + i + j + k + l;
    }
}
