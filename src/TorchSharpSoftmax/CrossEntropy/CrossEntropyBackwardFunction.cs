using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>
/// dx = dy * slope * (sum(q) * p - q): the derivative of the cross-entropies, a function of its own so that it has a derivative itself. It depends on x, on
/// targets that are probabilities, and on dy; what forward found of each row comes along.
/// </summary>
internal sealed class CrossEntropyBackwardFunction : KernelFunction<CrossEntropyBackwardFunction, CrossEntropyOptions>
{
    private const int X = 0, Target = 1, PerRow = 2, Upstream = 3, Weight = 4;

    internal static Tensor Apply(Tensor x, Tensor target, Tensor perRow, Tensor dy, Tensor? weight, CrossEntropyOptions options) =>
        weight is null ? Run(options, x, target, perRow, dy) : Run(options, x, target, perRow, dy, weight);

    internal static unsafe CrossEntropyTargets Targets(Tensor target, Tensor? weight, nint length, CrossEntropyOptions options)
    {
        byte* at = Memory.Of(target);
        return new(
            options.Probabilities ? null : (long*)at, options.Probabilities ? at : null, weight is null ? null : Memory.Of(weight), length, options.Ignored,
            options.Smoothing);
    }

    /// <summary>Where the logits had to be copied, their gradient is written over the copy.</summary>
    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, CrossEntropyOptions options, List<Tensor>? saved)
    {
        var (x, target, dy, weight) = (inputs[X], inputs[Target], inputs[Upstream], inputs.Length > Weight ? inputs[Weight] : null);
        var logits = new ClassesLast(x);
        var dx = logits.IsCopy ? logits.Rows : Memory.Fresh(logits.Rows);
        using (var targets = options.Probabilities ? new ClassesLast(target) : default)
        {
            var dyc = Memory.Contiguous(dy);
            Dtype.Run(x.dtype, new Kernel(logits.Rows, options.Probabilities ? targets.Rows : target, weight, inputs[PerRow], dyc, dx, options));
            Memory.Release(dyc, dy);
        }

        if (!logits.IsCopy)
        {
            logits.Dispose();
        }

        saved?.AddRange([x, target, dy]);
        if (weight is not null)
        {
            saved?.Add(weight);
        }

        return ClassesLast.Back(dx);
    }

    protected override void Backward(Tensor v, IReadOnlyList<Tensor> saved, CrossEntropyOptions options, Gradients gradients) =>
        CrossEntropyComposed.SecondDerivative(
            v, saved[0], saved[1], saved[2], saved.Count > 3 ? saved[3] : null, options, gradients, X, Target, Upstream);

    private readonly struct Kernel(Tensor x, Tensor target, Tensor? weight, Tensor perRow, Tensor dy, Tensor dx, CrossEntropyOptions options) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            nint length = (nint)x.size((int)x.ndim - 1);
            CrossEntropyKernels.Backward(
                options.Link, (S*)Memory.Of(x), Targets(target, weight, length, options), (CrossEntropyRow*)Memory.Of(perRow), (S*)Memory.Of(dy),
                options.Reduction == nn.Reduction.None ? 1 : 0, options.Divisor, (S*)Memory.Of(dx), (nint)perRow.size(0), get_num_threads());
            GC.KeepAlive(x);
            GC.KeepAlive(target);
            GC.KeepAlive(weight);
            GC.KeepAlive(perRow);
            GC.KeepAlive(dy);
            GC.KeepAlive(dx);
        }
    }
}
