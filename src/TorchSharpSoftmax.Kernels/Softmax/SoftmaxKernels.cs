namespace TorchSharpSoftmax.Kernels;

/// <summary>Softmax, log-softmax, log-sum-exp and their derivatives on memory laid out as (outer, length, inner), reduced along length.</summary>
public static unsafe partial class SoftmaxKernels
{
    private static double Get<S>(S* p, nint i) where S : unmanaged =>
        typeof(S) == typeof(float) ? ((float*)p)[i] :
        typeof(S) == typeof(double) ? ((double*)p)[i] :
        typeof(S) == typeof(BFloat16) ? (float)((BFloat16*)p)[i] : (double)((Half*)p)[i];

    private static void Set<S>(S* p, nint i, double value) where S : unmanaged
    {
        if (typeof(S) == typeof(float)) ((float*)p)[i] = (float)value;
        else if (typeof(S) == typeof(double)) ((double*)p)[i] = value;
        else if (typeof(S) == typeof(BFloat16)) ((BFloat16*)p)[i] = (BFloat16)(float)value;
        else ((Half*)p)[i] = (Half)value;
    }

    private static (double Max, double Sum) MaxAndSum<S>(S* x, nint start, nint length, nint inner) where S : unmanaged
    {
        double max = double.NegativeInfinity, sum = 0;
        for (nint i = 0; i < length; i++) max = Math.Max(max, Get(x, start + i * inner));
        for (nint i = 0; i < length; i++) sum += Math.Exp(Get(x, start + i * inner) - max);
        return (max, sum);
    }

    internal static void Softmax<S>(S* x, S* y, nint outer, nint length, nint inner, SoftmaxAlgorithm algorithm, int threads) where S : unmanaged
    {
        for (nint o = 0; o < outer; o++)
            for (nint c = 0; c < inner; c++)
            {
                nint start = o * length * inner + c;
                var (max, sum) = MaxAndSum(x, start, length, inner);
                for (nint i = 0; i < length; i++) Set(y, start + i * inner, Math.Exp(Get(x, start + i * inner) - max) / sum);
            }
    }

    internal static void LogSoftmax<S>(S* x, S* y, nint outer, nint length, nint inner, SoftmaxAlgorithm algorithm, int threads) where S : unmanaged
    {
        for (nint o = 0; o < outer; o++)
            for (nint c = 0; c < inner; c++)
            {
                nint start = o * length * inner + c;
                var (max, sum) = MaxAndSum(x, start, length, inner);
                for (nint i = 0; i < length; i++) Set(y, start + i * inner, Get(x, start + i * inner) - max - Math.Log(sum));
            }
    }

    internal static void LogSumExp<S>(S* x, S* lse, nint outer, nint length, nint inner, int threads) where S : unmanaged
    {
        for (nint o = 0; o < outer; o++)
            for (nint c = 0; c < inner; c++)
            {
                var (max, sum) = MaxAndSum(x, o * length * inner + c, length, inner);
                Set(lse, o * inner + c, double.IsInfinity(max) ? max : max + Math.Log(sum));
            }
    }

    internal static void SoftmaxBackward<S>(S* y, S* dy, S* dx, nint outer, nint length, nint inner, int threads) where S : unmanaged
    {
        for (nint o = 0; o < outer; o++)
            for (nint c = 0; c < inner; c++)
            {
                nint start = o * length * inner + c;
                double dot = 0;
                for (nint i = start; i < start + length * inner; i += inner) dot += Get(dy, i) * Get(y, i);
                for (nint i = start; i < start + length * inner; i += inner) Set(dx, i, Get(y, i) * (Get(dy, i) - dot));
            }
    }

    internal static void LogSoftmaxBackward<S>(S* y, S* dy, S* dx, nint outer, nint length, nint inner, int threads) where S : unmanaged
    {
        for (nint o = 0; o < outer; o++)
            for (nint c = 0; c < inner; c++)
            {
                nint start = o * length * inner + c;
                double sum = 0;
                for (nint i = start; i < start + length * inner; i += inner) sum += Get(dy, i);
                for (nint i = start; i < start + length * inner; i += inner) Set(dx, i, Get(dy, i) - Math.Exp(Get(y, i)) * sum);
            }
    }

    internal static void LogSumExpBackward<S>(S* x, S* lse, S* dy, S* dx, nint outer, nint length, nint inner, int threads) where S : unmanaged
    {
        for (nint o = 0; o < outer; o++)
            for (nint c = 0; c < inner; c++)
            {
                nint start = o * length * inner + c, row = o * inner + c;
                for (nint i = start; i < start + length * inner; i += inner) Set(dx, i, Math.Exp(Get(x, i) - Get(lse, row)) * Get(dy, row));
            }
    }
}
