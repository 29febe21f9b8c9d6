using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The rule of the cross-entropies: saves its inputs and three numbers per row.</summary>
internal sealed class CrossEntropyFunction : KernelFunction<CrossEntropyFunction, CrossEntropyOptions>
{
    private const int PerRow = 3;

    /// <summary>Class numbers are contiguous and checked; the weight is contiguous, of the computing type and without gradient.</summary>
    internal static Tensor Apply(Tensor x, Tensor target, Tensor? weight, CrossEntropyOptions options) =>
        weight is null ? Run(options, x, target) : Run(options, x, target, weight);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, CrossEntropyOptions options, List<Tensor>? saved)
    {
        var (x, target, weight) = (inputs[0], inputs[1], inputs.Length > 2 ? inputs[2] : null);
        long[] shape = options.Probabilities ? WithoutClasses(x) : target.shape;
        long rows = 1;
        foreach (long size in shape)
        {
            rows *= size;
        }

        var perRow = empty([rows, PerRow], ScalarType.Float64, CPU);
        var losses = empty(shape, ScalarType.Float64, CPU);
        using (var logits = new ClassesLast(x))
        {
            using var targets = options.Probabilities ? new ClassesLast(target) : default;
            Dtype.Run(x.dtype, new Kernel(logits.Rows, options.Probabilities ? targets.Rows : target, weight, losses, perRow, options));
        }

        if (saved is null)
        {
            perRow.Dispose();
        }
        else
        {
            saved.AddRange([x, target, perRow]);
            if (weight is not null)
            {
                saved.Add(weight);
            }
        }

        return Reduced(losses, x.dtype, options);
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, CrossEntropyOptions options, Gradients gradients)
    {
        var (x, target, weight) = (saved[0], saved[1], saved.Count > 3 ? saved[3] : null);
        if (gradients.Wants(0))
        {
            gradients[0] = CrossEntropyBackwardFunction.Apply(x, target, saved[2], gradient, weight, options);
        }

        if (gradients.Wants(1))
        {
            gradients[1] = CrossEntropyComposed.GradientOfProbabilities(x, weight, gradient, options);
        }
    }

    /// <summary>Summed in double, rounded once; the losses are used up.</summary>
    private static unsafe Tensor Reduced(Tensor losses, ScalarType dtype, CrossEntropyOptions options)
    {
        if (options.Reduction == nn.Reduction.None)
        {
            if (dtype == ScalarType.Float64)
            {
                return losses;
            }

            using (losses)
            {
                return losses.to_type(dtype);
            }
        }

        using (losses)
        {
            double sum = CrossEntropyKernels.Sum((double*)Memory.Of(losses), (nint)losses.numel());
            GC.KeepAlive(losses);
            return Scalars.Tensor(sum / options.Divisor, dtype, losses.device);
        }
    }

    private static long[] WithoutClasses(Tensor x)
    {
        long[] shape = x.shape;
        return shape.Length == 1 ? [] : [shape[0], .. shape[2..]];
    }

    private readonly struct Kernel(Tensor x, Tensor target, Tensor? weight, Tensor losses, Tensor perRow, CrossEntropyOptions options) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            nint rows = (nint)losses.numel(), length = (nint)x.size((int)x.ndim - 1);
            CrossEntropyKernels.Forward(
                options.Link, (S*)Memory.Of(x), CrossEntropyBackwardFunction.Targets(target, weight, length, options), (double*)Memory.Of(losses),
                (CrossEntropyRow*)Memory.Of(perRow), rows, get_num_threads());
            GC.KeepAlive(x);
            GC.KeepAlive(target);
            GC.KeepAlive(weight);
            GC.KeepAlive(losses);
            GC.KeepAlive(perRow);
        }
    }
}
