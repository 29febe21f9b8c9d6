using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>x * x, with one thing wrong in its rule: what a user of the helper may get wrong, and what must then happen.</summary>
internal sealed class FailingFunction : KernelFunction<FailingFunction, FailingFunction.Mode>
{
    internal enum Mode
    {
        Right,
        OnePercentOffInOneElement,
        Missing,
        Transposed,
        NoSecondDerivative,
        WrongSecondDerivative,
        NotRepeatable,
        Throws,
        ThrowsInForward,
        ReturnsDisposed,
    }

    private static int s_calls;

    /// <summary>Told of every right gradient that this thread's backward returns.</summary>
    [ThreadStatic]
    internal static Action<Tensor>? Given;

    internal static Tensor Apply(Tensor x, Mode mode) => Run(mode, x);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, Mode mode, List<Tensor>? saved)
    {
        if (mode == Mode.ThrowsInForward)
        {
            throw new NotSupportedException("forward cannot");
        }

        saved?.Add(inputs[0]);
        return inputs[0] * inputs[0];
    }

    protected override void Backward(Tensor dy, IReadOnlyList<Tensor> saved, Mode mode, Gradients gradients)
    {
        using var negative = saved[0].neg();
        using var twice = saved[0].sub(negative); // no operator with a temporary Scalar: TorchSharp lets a collection take it
        switch (mode)
        {
            case Mode.OnePercentOffInOneElement:
                using (var factor = ones_like(twice))
                {
                    ElementAccess.Set(factor, twice.numel() - 2, 1.01);
                    using var right = dy * twice;
                    gradients[0] = right * factor;
                }

                break;
            case Mode.Missing:
                break;
            case Mode.Transposed:
                using (var right = dy * twice)
                {
                    gradients[0] = right.transpose(0, 1).contiguous();
                }

                break;
            case Mode.NoSecondDerivative:
                using (no_grad())
                {
                    gradients[0] = dy * twice;
                }

                break;
            case Mode.WrongSecondDerivative:
                using (var constant = twice.detach())
                {
                    gradients[0] = dy * constant;
                }

                break;
            case Mode.NotRepeatable:
                using (var drift = full_like(twice, 1 + (1e-7 * ++s_calls)))
                {
                    using var right = dy * twice;
                    gradients[0] = right * drift;
                }

                break;
            case Mode.Throws:
                throw new NotSupportedException("backward cannot");
            case Mode.ReturnsDisposed:
                var disposed = dy * twice;
                disposed.Dispose();
                gradients[0] = disposed;
                break;
            default:
                var gradient = dy * twice;
                Given?.Invoke(gradient);
                gradients[0] = gradient;
                break;
        }
    }
}
