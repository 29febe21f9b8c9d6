namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Every pass of StableMax and its logarithm.</summary>
internal unsafe struct StableMaxTour : IKernelTour
{
    public static void Run<S>(TourMemory<S> memory, int count)
        where S : unmanaged
    {
        S* x = memory.X, y = memory.Y, dy = memory.Dy;
        bool small = count * sizeof(S) < KernelTour.StreamedBytes - sizeof(double);
        foreach (int inner in small ? (int[])[1, 17] : [1])
        {
            StableMaxKernels.StableMax(x, y, 1, count / inner, inner, 1);
            StableMaxKernels.LogStableMax(x, y, 1, count / inner, inner, 1);
            StableMaxKernels.StableMaxBackward(x, dy, y, 1, count / inner, inner, 1);
            StableMaxKernels.LogStableMaxBackward(x, dy, y, 1, count / inner, inner, 1);
        }
    }
}
