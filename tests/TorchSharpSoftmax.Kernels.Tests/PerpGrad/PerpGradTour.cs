namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Every pass of perpGrad: a gradient of zeros, one that is its weight (and so is measured), one in place.</summary>
internal unsafe struct PerpGradTour : IKernelTour
{
    public static void Run<S>(TourMemory<S> memory, int count)
        where S : unmanaged
    {
        S* x = memory.X, y = memory.Y, dy = memory.Dy;
        PerpGradKernels.Project(x, dy, y, 1, count, new(true, 1e-30, 1), 1);
        PerpGradKernels.Project(x, x, y, 1, count, new(true, 1e-30, 0.5), 1);
        PerpGradKernels.Project(x, dy, dy, 1, count, new(false, 1e-30, 1), 1);
    }
}
