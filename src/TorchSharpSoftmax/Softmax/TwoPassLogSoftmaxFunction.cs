using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The rule of log-softmax: saves its output. Knows tensors, not vectors.</summary>
internal sealed class TwoPassLogSoftmaxFunction : KernelFunction<TwoPassLogSoftmaxFunction, SoftmaxOptions>, IWritesInto
{
    public static string Spelling => "two_pass_log_softmax";

    public static Tensor Apply(Tensor x, int dim, SoftmaxAlgorithm algorithm) => Run(new(dim, algorithm), x);

    public static void Write(Tensor x, Tensor y, int dim, SoftmaxAlgorithm algorithm) =>
        Dtype.Run(x.dtype, new Kernel(x, y, Extents.Of(x, dim), algorithm));

    public static Tensor Composed(Tensor x, int dim) => x.log_softmax(dim);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, SoftmaxOptions options, List<Tensor>? saved)
    {
        var y = SoftmaxOutputs.Fresh<TwoPassLogSoftmaxFunction>(inputs[0], options.Dim, options.Algorithm);
        saved?.Add(y);
        return y;
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, SoftmaxOptions options, Gradients gradients) =>
        gradients[0] = TwoPassLogSoftmaxBackwardFunction.Apply(saved[0], gradient, options.Dim);

    private readonly struct Kernel(Tensor x, Tensor y, Extents shape, SoftmaxAlgorithm algorithm) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            SoftmaxKernels.LogSoftmax((S*)Memory.Of(x), (S*)Memory.Of(y), shape.Outer, shape.Length, shape.Inner, algorithm, get_num_threads());
            GC.KeepAlive(x);
            GC.KeepAlive(y);
        }
    }
}
