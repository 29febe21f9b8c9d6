using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>The child process whose machine code is read: it runs every kernel, for each element type, at one width.</summary>
internal static unsafe class KernelTour
{
    /// <summary>A row that is walked together with others, and one that is walked alone but still fits the scratch memory.</summary>
    private const int ShortBytes = 120, LongBytes = 20_011;

    /// <summary>Outputs of this size are written past the caches.</summary>
    private const int StreamedBytes = 17 << 20;

    internal static int Run(int bits)
    {
        using IDisposable width = Isa.Force(bits);
        GC.KeepAlive(WithACall(1003));
        EveryType(ShortBytes);
        EveryType(LongBytes);
        EveryType(StreamedBytes);
        return ChildProcess.Done;
    }

    /// <summary>What the test looks for: a pass whose loop calls something.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static double WithACall(int n)
    {
        double sum = 0;
        for (int i = 0; i < n; i++)
        {
            sum += NotInlined(i);
        }

        return sum;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double NotInlined(int i) => i * 0.5;

    private static void EveryType(int bytes)
    {
        EveryKernel<float, FloatElement>(bytes);
        EveryKernel<double, DoubleElement>(bytes);
        EveryKernel<BFloat16, BFloat16Element>(bytes);
        EveryKernel<Half, HalfElement>(bytes);
    }

    private static void EveryKernel<S, E>(int bytes)
        where S : unmanaged
        where E : IElement<S>
    {
        int count = bytes / sizeof(S);
        S* x = (S*)NativeMemory.AllocZeroed((nuint)bytes), y = (S*)NativeMemory.AllocZeroed((nuint)bytes), dy = (S*)NativeMemory.AllocZeroed((nuint)bytes);
        void* lse = NativeMemory.AllocZeroed((nuint)bytes * 2); // floats for the 16-bit types
        bool small = bytes < StreamedBytes;
        foreach (int inner in small ? (int[])[1, 17] : [1])
        {
            // An ordinary row, one that has to be looked at for NaN, one far from zero, one with masks.
            foreach (double first in small ? (double[])[1, double.NaN, E.Stored.MaxFinite / 2, double.NegativeInfinity] : [1])
            {
                x[0] = E.FromDouble(first);
                foreach (SoftmaxAlgorithm algorithm in (SoftmaxAlgorithm[])[SoftmaxAlgorithm.TwoPass, SoftmaxAlgorithm.ThreePass])
                {
                    SoftmaxKernels.Softmax(x, y, 1, count / inner, inner, algorithm, 1);
                    SoftmaxKernels.LogSoftmax(x, y, 1, count / inner, inner, algorithm, 1);
                }

                SoftmaxKernels.LogSumExp(x, lse, 1, count / inner, inner, 1);
                SoftmaxKernels.SoftmaxBackward(x, y, y, 1, count / inner, inner, 1);
                SoftmaxKernels.LogSoftmaxBackward(x, y, y, 1, count / inner, inner, 1);
                SoftmaxKernels.LogSumExpBackward(x, lse, dy, y, 1, count / inner, inner, 1);
            }
        }

        NativeMemory.Free(x);
        NativeMemory.Free(y);
        NativeMemory.Free(dy);
        NativeMemory.Free(lse);
    }
}
