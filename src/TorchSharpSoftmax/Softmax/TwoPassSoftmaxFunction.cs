using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What softmax and log-softmax take beside their input.</summary>
internal readonly record struct SoftmaxOptions(int Dim, SoftmaxAlgorithm Algorithm)
{
    /// <summary>Checked.</summary>
    internal static SoftmaxOptions Of(Tensor input, long dim, SoftmaxAlgorithm algorithm)
    {
        Check.Alive(input, nameof(input));
        int axis = Check.Dim(input, dim);
        Check.Algorithm(algorithm);
        return new(axis, algorithm);
    }
}

/// <summary>The rule of softmax: saves its output. Knows tensors, not vectors.</summary>
internal sealed class TwoPassSoftmaxFunction : KernelFunction<TwoPassSoftmaxFunction, SoftmaxOptions>, IWritesInto<SoftmaxOptions>
{
    public static string Spelling => "two_pass_softmax";

    public static Tensor Apply(Tensor x, SoftmaxOptions options) => Run(options, x);

    public static void Write(Tensor x, Tensor y, SoftmaxOptions options) =>
        Dtype.Run(x.dtype, new Kernel(x, y, Extents.Of(x, options.Dim), options.Algorithm));

    public static Tensor Composed(Tensor x, SoftmaxOptions options) => x.softmax(options.Dim);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, SoftmaxOptions options, List<Tensor>? saved)
    {
        var y = Outputs.Fresh<TwoPassSoftmaxFunction, SoftmaxOptions>(inputs[0], options);
        saved?.Add(y);
        return y;
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, SoftmaxOptions options, Gradients gradients) =>
        gradients[0] = TwoPassSoftmaxBackwardFunction.Apply(saved[0], gradient, options.Dim);

    private readonly struct Kernel(Tensor x, Tensor y, Extents shape, SoftmaxAlgorithm algorithm) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            SoftmaxKernels.Softmax((S*)Memory.Of(x), (S*)Memory.Of(y), shape.Outer, shape.Length, shape.Inner, algorithm, get_num_threads());
            GC.KeepAlive(x);
            GC.KeepAlive(y);
        }
    }
}
