using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What we refuse, and how we say it: <c>'argument' has what; what is required.</c></summary>
/// <remarks>Every check of an operator runs before its function is applied: once a graph node exists it is too late to throw.</remarks>
internal static class Check
{
    internal static void NotNull([NotNull] object? value, string argument, string required)
    {
        if (value is null)
        {
            throw new ArgumentNullException(argument, $"'{argument}' is null; {required} is required.");
        }
    }

    internal static void Alive([NotNull] Tensor? x, string argument)
    {
        if (x is null)
        {
            throw new ArgumentNullException(argument, $"'{argument}' is null; a tensor is required.");
        }

        if (x.IsInvalid)
        {
            throw new ArgumentException($"'{argument}' has been disposed; a live tensor is required.", argument);
        }
    }

    /// <summary>A disposed module says so when it is asked anything that native code knows.</summary>
    internal static void Alive([NotNull] nn.Module? module, string argument)
    {
        NotNull(module, argument, "a module");
        try
        {
            _ = module.training;
        }
        catch (ObjectDisposedException error)
        {
            throw new ArgumentException($"'{argument}' has been disposed; a live module is required.", argument, error);
        }
    }

    /// <summary>The dim counted from the front. A 0-d tensor takes 0 and -1, as in libtorch.</summary>
    internal static int Dim(Tensor x, long dim, string argument = "dim")
    {
        long dims = Math.Max(x.ndim, 1);
        if (dim < -dims || dim >= dims)
        {
            throw new ArgumentOutOfRangeException(argument, $"'{argument}' is {dim}; a tensor of {x.ndim} dimensions takes {-dims} to {dims - 1}.");
        }

        return (int)(dim < 0 ? dim + dims : dim);
    }

    internal static void Algorithm(SoftmaxAlgorithm algorithm)
    {
        if (algorithm is not (SoftmaxAlgorithm.Auto or SoftmaxAlgorithm.TwoPass or SoftmaxAlgorithm.ThreePass))
        {
            throw OutOfRange(nameof(algorithm), (int)algorithm, "Auto, TwoPass or ThreePass");
        }
    }

    internal static void Dtype(Tensor x, ScalarType required, string argument)
    {
        if (x.dtype != required)
        {
            throw new ArgumentException($"'{argument}' has dtype {x.dtype}; {required} is required.", argument);
        }
    }

    /// <summary>A number that is no dtype would bring libtorch down.</summary>
    internal static void Known(ScalarType? dtype, string argument = "dtype")
    {
        if (dtype is { } given && !Enum.IsDefined(given))
        {
            throw OutOfRange(argument, (int)given, "a dtype");
        }
    }

    /// <summary>Of a module's parameters.</summary>
    internal static void OfParameters(ScalarType? dtype, string argument = "dtype")
    {
        Known(dtype, argument);
        if (dtype is { } given && !is_floating_point(given))
        {
            throw new ArgumentException($"'{argument}' is {given}; a floating dtype is required.", argument);
        }
    }

    /// <summary>Alive, too.</summary>
    internal static void DenseFloating([NotNull] Tensor? x, string argument)
    {
        Alive(x, argument);
        Dense(x, argument);
        Floating(x, argument);
    }

    internal static void Dense(Tensor x, string argument)
    {
        if (x.is_sparse)
        {
            throw new ArgumentException($"'{argument}' is sparse; a dense tensor is required.", argument);
        }
    }

    internal static void Floating(Tensor x, string argument)
    {
        if (!is_floating_point(x.dtype))
        {
            throw new ArgumentException($"'{argument}' has dtype {x.dtype}; a floating dtype is required.", argument);
        }
    }

    /// <summary>Integers have no gradient, and what they should be cast to only the caller knows: nothing is cast silently.</summary>
    internal static void FloatingOrCast(Tensor input, ScalarType? dtype)
    {
        if (dtype is { } cast)
        {
            if (!is_floating_point(cast))
            {
                throw new ArgumentException($"'{nameof(dtype)}' is {cast}; a floating dtype is required.", nameof(dtype));
            }
        }
        else if (!input.is_floating_point())
        {
            throw new ArgumentException(
                $"'{nameof(input)}' has dtype {input.dtype}; a floating dtype is required: '{nameof(dtype)}' casts to one first.", nameof(input));
        }
    }

    internal static void Shape(Tensor x, Tensor like, string argument)
    {
        int dims = (int)like.ndim;
        bool same = x.ndim == dims;
        for (int i = 0; same && i < dims; i++)
        {
            same = x.size(i) == like.size(i);
        }

        if (!same)
        {
            Shape(x, like.shape, argument);
        }
    }

    internal static void Shape(Tensor x, ReadOnlySpan<long> required, string argument)
    {
        if (!x.shape.AsSpan().SequenceEqual(required))
        {
            throw new ArgumentException($"'{argument}' has shape {Text(x.shape)}; {Text(required)} is required.", argument);
        }
    }

    /// <param name="x">What must be where the other tensor is.</param>
    /// <param name="like">The other tensor.</param>
    /// <param name="argument">What the caller's user calls the first.</param>
    /// <param name="other">What the caller's user calls the other.</param>
    internal static void Device(Tensor x, Tensor like, string argument, [CallerArgumentExpression(nameof(like))] string other = "")
    {
        if (x.device_type == DeviceType.CPU && like.device_type == DeviceType.CPU)
        {
            return; // the only device without a number
        }

        var (has, required) = (x.device.ToString(), like.device.ToString());
        if (has != required)
        {
            throw new ArgumentException($"'{argument}' is on {has}; {required} is required, where '{other}' is.", argument);
        }
    }

    /// <summary>An operator that writes into a given tensor is not differentiable.</summary>
    internal static void NoGradient(Tensor x, string argument, string spelling, string form)
    {
        if (x.requires_grad && is_grad_enabled())
        {
            throw new ArgumentException(
                $"'{argument}' requires grad; {spelling}{form} is not differentiable: a tensor that does not require grad, or no_grad(), is required.", argument);
        }
    }

    /// <summary>A tensor that is written must not have two elements in one place, as an expanded one has.</summary>
    internal static void NoSharedElements(Tensor x, string argument)
    {
        for (int i = 0, n = (int)x.ndim; i < n; i++)
        {
            if (x.stride(i) == 0 && x.size(i) > 1 && x.numel() > 0)
            {
                throw new ArgumentException(
                    $"'{argument}' has stride 0 in dimension {i}, several elements in one place; a tensor with an element of memory each is required.",
                    argument);
            }
        }
    }

    /// <summary>Of a number; written alike in every culture.</summary>
    internal static ArgumentOutOfRangeException OutOfRange(string argument, object value, string required) =>
        new(argument, string.Create(CultureInfo.InvariantCulture, $"'{argument}' is {value}; {required} is required."));

    internal static string Text(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";
}
