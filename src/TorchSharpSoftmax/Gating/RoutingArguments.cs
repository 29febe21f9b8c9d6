using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>What gates, routing losses and permutations refuse, before any work.</summary>
internal static class RoutingArguments
{
    /// <summary>Scores of experts, [..., E] of a floating dtype; answers E.</summary>
    internal static long Scores(Tensor x, string argument)
    {
        Check.DenseFloating(x, argument);
        long experts = x.ndim == 0 ? 0 : x.size((int)x.ndim - 1);
        if (experts < 1)
        {
            throw new ArgumentException($"'{argument}' has shape {Check.Text(x.shape)}; [..., E] with E of 1 or more is required.", argument);
        }

        return experts;
    }

    /// <summary>Another tensor of scores, of the shape, dtype and device of the first.</summary>
    internal static void Alike(Tensor x, Tensor like, string argument, [CallerArgumentExpression(nameof(like))] string other = "")
    {
        Check.Alive(x, argument);
        Check.Shape(x, like, argument);
        Check.Dtype(x, like.dtype, argument);
        Check.Device(x, like, argument, other);
    }

    /// <summary>Numbers of experts, [..., k] with the tokens of the scores; answers k. The numbers themselves are looked at by who counts them.</summary>
    internal static long Indices(
        Tensor indices, ReadOnlySpan<long> tokens, Tensor like, string argument, [CallerArgumentExpression(nameof(like))] string other = "")
    {
        Check.Alive(indices, argument);
        Check.Dtype(indices, ScalarType.Int64, argument);
        int dims = tokens.Length;
        if (indices.ndim != dims + 1 || !indices.shape.AsSpan(0, dims).SequenceEqual(tokens) || indices.size(dims) < 1)
        {
            string start = Check.Text(tokens)[..^1] + (dims > 0 ? ", " : "");
            throw new ArgumentException($"'{argument}' has shape {Check.Text(indices.shape)}; {start}k] with k of 1 or more is required.", argument);
        }

        Check.Device(indices, like, argument, other);
        return indices.size(dims);
    }

    /// <summary>Which tokens count: Bool, of the tokens' shape.</summary>
    internal static void Mask(
        Tensor? mask, ReadOnlySpan<long> tokens, Tensor like, string argument, [CallerArgumentExpression(nameof(like))] string other = "")
    {
        if (mask is null)
        {
            return;
        }

        Check.Alive(mask, argument);
        Check.Dtype(mask, ScalarType.Bool, argument);
        Check.Shape(mask, tokens, argument);
        Check.Device(mask, like, argument, other);
    }

    internal static void Choices(long k, long experts)
    {
        if (k < 1 || k > experts)
        {
            throw Check.OutOfRange(nameof(k), k, $"1 to {experts}, the number of experts,");
        }
    }

    /// <summary>A number of experts: what counts them has a place for each.</summary>
    internal static void Experts(long num_experts)
    {
        if (num_experts is < 1 or > TopKGateArguments.MostExperts)
        {
            throw Check.OutOfRange(nameof(num_experts), num_experts, $"1 to {TopKGateArguments.MostExperts}");
        }
    }

    internal static void AtLeastOne(long value, string argument)
    {
        if (value < 1)
        {
            throw Check.OutOfRange(argument, value, "1 or more");
        }
    }

    internal static void Positive(double value, string argument)
    {
        if (!(value > 0 && double.IsFinite(value)))
        {
            throw Check.OutOfRange(argument, value, "a finite number above 0");
        }
    }

    internal static void NotNegative(double value, string argument)
    {
        if (!(value >= 0 && double.IsFinite(value)))
        {
            throw Check.OutOfRange(argument, value, "0 or more");
        }
    }

    /// <summary>The input of a gate's module, [..., in_features].</summary>
    internal static void Input(Tensor input, long in_features)
    {
        Check.DenseFloating(input, nameof(input));
        if (input.ndim == 0 || input.size((int)input.ndim - 1) != in_features)
        {
            throw new ArgumentException($"'{nameof(input)}' has shape {Check.Text(input.shape)}; [..., {in_features}] is required.", nameof(input));
        }
    }
}
