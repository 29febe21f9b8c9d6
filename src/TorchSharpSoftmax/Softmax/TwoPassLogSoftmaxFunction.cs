using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The rule of log-softmax: saves its output. Knows tensors, not vectors.</summary>
internal sealed class TwoPassLogSoftmaxFunction : KernelFunction<TwoPassLogSoftmaxFunction, SoftmaxOptions>, IWritesInto<SoftmaxOptions>
{
    public static string Spelling => "two_pass_log_softmax";

    public static Tensor Apply(Tensor x, SoftmaxOptions options) => Run(options, x);

    public static void Write(Tensor x, Tensor y, SoftmaxOptions options) =>
        Dtype.Run(x.dtype, new Kernel(x, y, Extents.Of(x, options.Dim), options.Algorithm));

    public static Tensor Composed(Tensor x, SoftmaxOptions options) => x.log_softmax(options.Dim);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, SoftmaxOptions options, List<Tensor>? saved)
    {
        var y = Outputs.Fresh<TwoPassLogSoftmaxFunction, SoftmaxOptions>(inputs[0], options);
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
