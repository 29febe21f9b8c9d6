namespace TorchSharpSoftmax.Kernels.Tests;

/// <summary>Every pass of the softmax family.</summary>
internal unsafe struct SoftmaxTour : IKernelTour
{
    public static void Run<S>(TourMemory<S> memory, int count)
        where S : unmanaged
    {
        S* x = memory.X, y = memory.Y, dy = memory.Dy;
        bool small = count * sizeof(S) < KernelTour.StreamedBytes - sizeof(double);
        foreach (int inner in small ? (int[])[1, 17] : [1])
        {
            foreach (SoftmaxAlgorithm algorithm in (SoftmaxAlgorithm[])[SoftmaxAlgorithm.TwoPass, SoftmaxAlgorithm.ThreePass])
            {
                SoftmaxKernels.Softmax(x, y, 1, count / inner, inner, algorithm, 1);
                SoftmaxKernels.LogSoftmax(x, y, 1, count / inner, inner, algorithm, 1);
            }

            SoftmaxKernels.LogSumExp(x, memory.Sums, 1, count / inner, inner, 1);
            SoftmaxKernels.SoftmaxBackward(x, y, y, 1, count / inner, inner, 1);
            SoftmaxKernels.LogSoftmaxBackward(x, y, y, 1, count / inner, inner, 1);
            SoftmaxKernels.LogSumExpBackward(x, memory.Sums, dy, y, 1, count / inner, inner, 1);
        }
    }
}
