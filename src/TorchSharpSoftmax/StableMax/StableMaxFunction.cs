using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The rule of StableMax: saves its input alone, from which the gradient is as exact as in 32 bits whatever the output was rounded to.</summary>
internal sealed class StableMaxFunction : KernelFunction<StableMaxFunction, int>, IWritesInto<int>
{
    public static string Spelling => "stablemax";

    public static Tensor Apply(Tensor x, int dim) => Run(dim, x);

    public static void Write(Tensor x, Tensor y, int dim) => Dtype.Run(x.dtype, new Kernel(x, y, Extents.Of(x, dim)));

    public static Tensor Composed(Tensor x, int dim) => StableMaxComposed.StableMax(x, dim);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, int dim, List<Tensor>? saved)
    {
        saved?.Add(inputs[0]);
        return Outputs.Fresh<StableMaxFunction, int>(inputs[0], dim);
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, int dim, Gradients gradients) =>
        gradients[0] = StableMaxBackwardFunction.Apply(saved[0], gradient, dim);

    private readonly struct Kernel(Tensor x, Tensor y, Extents shape) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            StableMaxKernels.StableMax((S*)Memory.Of(x), (S*)Memory.Of(y), shape.Outer, shape.Length, shape.Inner, get_num_threads());
            GC.KeepAlive(x);
            GC.KeepAlive(y);
        }
    }
}
