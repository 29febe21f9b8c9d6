using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>The backward kernel by itself, into an output that exists; users meet it through autograd only.</summary>
internal static unsafe class Ours
{
    public static void SoftmaxBackward(Tensor y, Tensor dy, Tensor dx, Shape shape, int threads)
    {
        switch (shape.Dtype)
        {
            case ScalarType.Float32: Run<float>(y, dy, dx, shape, threads); break;
            case ScalarType.Float64: Run<double>(y, dy, dx, shape, threads); break;
            case ScalarType.BFloat16: Run<BFloat16>(y, dy, dx, shape, threads); break;
            default: throw new ArgumentOutOfRangeException(nameof(shape));
        }
    }

    private static void Run<S>(Tensor y, Tensor dy, Tensor dx, Shape shape, int threads) where S : unmanaged => SoftmaxKernels.SoftmaxBackward(
        Pointer<S>(y), Pointer<S>(dy), Pointer<S>(dx), (nint)shape.Outer, (nint)shape.Length, (nint)shape.Inner, threads);

    private static S* Pointer<S>(Tensor t) where S : unmanaged => (S*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(t.bytes));
}
