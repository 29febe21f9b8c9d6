using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What a gradient check refuses, whatever <c>raise_exception</c> says: a check that could not see a wrong derivative is no check.</summary>
internal static class GradcheckArguments
{
    /// <summary>The function, which from now on refuses outputs that cannot be checked.</summary>
    internal static Func<Tensor[], Tensor[]> Checked(Func<Tensor[], Tensor[]> func, Tensor[] inputs, GradcheckOptions options)
    {
        Check.NotNull(func, nameof(func), "a function");
        CheckInputs(inputs);
        Step(options.Eps, "eps");
        Tolerance(options.Atol, "atol");
        Tolerance(options.Rtol, "rtol");
        Tolerance(options.NondetTol, "nondet_tol");
        return arguments => CheckOutputs(func(arguments), nameof(func));
    }

    /// <summary>Every derivative of every output is kept.</summary>
    internal static void CheckSizes(int[] outputs, int input, string argument)
    {
        int largest = outputs.Length == 0 ? 0 : outputs.Max();
        if ((long)largest * input > Array.MaxLength)
        {
            throw new ArgumentException(
                $"'{argument}' has a tensor of {input} elements beside an output of {largest}; {Array.MaxLength} derivatives at most are required.", argument);
        }
    }

    private static void CheckInputs(Tensor[] inputs)
    {
        Check.NotNull(inputs, nameof(inputs), "an array of tensors");
        for (int i = 0; i < inputs.Length; i++)
        {
            string argument = $"inputs[{i}]";
            Check.Alive(inputs[i], argument);
            if (!inputs[i].requires_grad)
            {
                continue;
            }

            if (is_complex(inputs[i].dtype) || inputs[i].is_sparse)
            {
                throw new ArgumentException($"'{argument}' is complex or sparse; a dense real tensor is required.", nameof(inputs));
            }

            if (ElementAccess.SharesElements(inputs[i]))
            {
                throw new ArgumentException(
                    $"'{argument}' has several elements in one place, as an expanded tensor has; memory of their own is required: call contiguous() on it.",
                    nameof(inputs));
            }

            if (inputs[i].dtype != ScalarType.Float64)
            {
                Diagnostics.Warn(
                    $"gradcheck.{inputs[i].dtype}",
                    $"'{argument}' requires grad and is {inputs[i].dtype}; the differences will most likely be too coarse. Float64 is recommended.");
            }
        }

        if (!Array.Exists(inputs, input => input.requires_grad))
        {
            throw new ArgumentException($"'{nameof(inputs)}' has no tensor that requires grad; at least one is required.", nameof(inputs));
        }
    }

    private static Tensor[] CheckOutputs(Tensor[] outputs, string argument)
    {
        if (outputs is null)
        {
            throw new ArgumentException($"'{argument}' has returned null; an array of tensors is required.", argument);
        }

        for (int o = 0; o < outputs.Length; o++)
        {
            string? wrong = outputs[o] switch
            {
                null => "null",
                { IsInvalid: true } => "a disposed tensor",
                var output when is_complex(output.dtype) => $"a tensor of {output.dtype}",
                { is_sparse: true } => "a sparse tensor",
                _ => null,
            };
            if (wrong is not null)
            {
                throw new ArgumentException($"'{argument}' has returned {wrong} as output {o}; a dense real tensor is required.", argument);
            }
        }

        return outputs;
    }

    private static void Step(double value, string argument)
    {
        if (!(value > 0) || !double.IsFinite(value))
        {
            throw Check.OutOfRange(argument, value, "a positive finite step");
        }
    }

    private static void Tolerance(double value, string argument)
    {
        if (!(value >= 0))
        {
            throw Check.OutOfRange(argument, value, "0 or more");
        }
    }
}
