namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Every pass of the cross-entropies.</summary>
internal unsafe struct CrossEntropyTour : IKernelTour
{
    public static void Run<S>(TourMemory<S> memory, int count)
        where S : unmanaged
    {
        S* x = memory.X, dx = memory.Y, dy = memory.Dy;
        bool small = count * sizeof(S) < KernelTour.StreamedBytes - sizeof(double);
        foreach (int rows in small ? (int[])[1, 3] : [1])
        {
            nint length = count / rows;
            double* losses = (double*)memory.Sums;
            var saved = (CrossEntropyRow*)(losses + rows);
            long* classes = (long*)(saved + rows);
            new Span<long>(classes, rows).Clear();
            foreach (CrossEntropyLink link in (CrossEntropyLink[])[CrossEntropyLink.StableMax, CrossEntropyLink.Softmax])
            {
                foreach (CrossEntropyTargets targets in (CrossEntropyTargets[])[
                    new(classes, null, null, length, -100, 0), new(classes, null, null, length, -100, 0.1), new(null, dy, null, length, -100, 0.1)])
                {
                    CrossEntropyKernels.Forward(link, x, targets, losses, saved, rows, 1);
                    CrossEntropyKernels.Backward(link, x, targets, saved, dy, 0, 1, dx, rows, 1);
                }
            }
        }
    }
}
