using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The terms that keep a router balanced and its logits small, from libtorch's operators: nothing here is larger than the probabilities.</summary>
internal static class RoutingLosses
{
    internal static Tensor LoadBalance(Tensor probabilities, Tensor indices, double alpha, Tensor? mask, bool per_sequence, bool first_choice)
    {
        long experts = RoutingArguments.Scores(probabilities, nameof(probabilities));
        long[] tokens = probabilities.shape[..^1];
        RoutingArguments.Indices(indices, tokens, probabilities, nameof(indices));
        RoutingArguments.Mask(mask, tokens, probabilities, nameof(mask));
        RoutingArguments.NotNegative(alpha, nameof(alpha));
        if (per_sequence && tokens.Length < 2)
        {
            throw new ArgumentException(
                $"'{nameof(probabilities)}' has shape {Check.Text(probabilities.shape)}; [..., T, E] with a dimension of sequences before is required beside '{nameof(per_sequence)}'.",
                nameof(probabilities));
        }

        using var scope = NewDisposeScope();
        long length = per_sequence ? tokens[^1] : Product(tokens), sequences = per_sequence ? Product(tokens[..^1]) : 1;
        var choices = first_choice ? indices.narrow(-1, 0, 1) : indices;
        long[] rows = per_sequence ? [sequences, length] : [length];
        var p = Counted(Shaped(RoutingMath.Wide(probabilities), [.. rows, experts]), mask?.reshape([.. rows, 1]), 0);
        var factors = LoadBalanceFactors.Of(choices, mask, sequences, length, experts, alpha * experts);
        return Shaped(p.sum(rows.Length - 1), -1).dot(factors.to_type(p.dtype).reshape(-1)).MoveToOuterDisposeScope();
    }

    internal static Tensor LoadBalance(Tensor counts, Tensor mean_probability, double alpha)
    {
        long experts = RoutingArguments.Scores(mean_probability, nameof(mean_probability));
        Check.Alive(counts, nameof(counts));
        Check.Shape(counts, mean_probability, nameof(counts));
        Check.Device(counts, mean_probability, nameof(counts));
        RoutingArguments.NotNegative(alpha, nameof(alpha));
        using var scope = NewDisposeScope();
        var p = RoutingMath.Wide(mean_probability);
        var factors = LoadBalanceFactors.OfCounts(counts.detach().reshape(-1, experts), alpha * experts);
        return p.reshape(-1).dot(factors.to_type(p.dtype).reshape(-1)).MoveToOuterDisposeScope();
    }

    internal static Tensor Importance(Tensor weights, double coefficient, Tensor? indices, long? num_experts, Tensor? mask)
    {
        long slots = RoutingArguments.Scores(weights, nameof(weights));
        long[] tokens = weights.shape[..^1];
        RoutingArguments.Mask(mask, tokens, weights, nameof(mask));
        RoutingArguments.NotNegative(coefficient, nameof(coefficient));
        if (indices is null != num_experts is null)
        {
            string argument = indices is null ? nameof(indices) : nameof(num_experts);
            throw new ArgumentNullException(
                argument, $"'{argument}' is null; '{nameof(indices)}' and '{nameof(num_experts)}', or neither, is required.");
        }

        using var scope = NewDisposeScope();
        var w = RoutingMath.Wide(weights).reshape(-1, slots);
        w = Counted(w, mask?.reshape(-1, 1), 0);
        Tensor sums;
        if (indices is null)
        {
            sums = w.sum(0L);
        }
        else
        {
            RoutingArguments.Experts(num_experts!.Value);
            RoutingArguments.Indices(indices, tokens, weights, nameof(indices));
            Check.Shape(indices, weights, nameof(indices));
            RoutingMath.CheckRange(indices, num_experts.Value, nameof(indices));
            var bins = zeros([num_experts.Value + 1], w.dtype, w.device);
            sums = bins.scatter_add(0, indices.reshape(-1).add(Scalars.Tensor(1L, ScalarType.Int64), Scalars.One), w.reshape(-1)).narrow(0, 1, num_experts.Value);
        }

        return Scaled(RoutingMath.SquaredVariation(sums), coefficient).MoveToOuterDisposeScope();
    }

    internal static Tensor Load(Tensor logits, Tensor noisy_logits, Tensor noise_stddev, long k, double coefficient, Tensor? mask)
    {
        long experts = RoutingArguments.Scores(logits, nameof(logits));
        RoutingArguments.Alike(noisy_logits, logits, nameof(noisy_logits));
        RoutingArguments.Alike(noise_stddev, logits, nameof(noise_stddev));
        RoutingArguments.Choices(k, experts);
        RoutingArguments.Mask(mask, logits.shape.AsSpan(..^1), logits, nameof(mask));
        RoutingArguments.NotNegative(coefficient, nameof(coefficient));
        using var scope = NewDisposeScope();
        var z = RoutingMath.Wide(logits).reshape(-1, experts);
        if (k == experts)
        {
            var zero = RoutingMath.Number(0, z.dtype);
            return where(zeros_like(z, ScalarType.Bool), z, zero).sum().MoveToOuterDisposeScope(); // every expert is certain to be chosen; 0 times a mask would be NaN
        }

        var (h, s) = (RoutingMath.Wide(noisy_logits).reshape(-1, experts), RoutingMath.Wide(noise_stddev).reshape(-1, experts));
        var counted = mask?.reshape(-1, 1);
        (z, h, s) = (Counted(z, counted, 0), Counted(h, counted, 0), Counted(s, counted, 1));
        var (top, _) = RoutingMath.Top(h, k + 1);
        Tensor next = top.narrow(1, k, 1), last = top.narrow(1, k - 1, 1);
        var threshold = where(h.gt(next), next, last); // what the expert's own draw has to beat, the others' being as they are
        var chance = Normal(z.sub(threshold).div(s));
        return Scaled(RoutingMath.SquaredVariation(Counted(chance, counted, 0).sum(0L)), coefficient).MoveToOuterDisposeScope();
    }

    internal static Tensor RouterZ(Tensor logits, double coefficient, Tensor? mask)
    {
        RoutingArguments.Scores(logits, nameof(logits));
        RoutingArguments.Mask(mask, logits.shape.AsSpan(..^1), logits, nameof(mask));
        RoutingArguments.NotNegative(coefficient, nameof(coefficient));
        using var scope = NewDisposeScope();
        var z = Counted(RoutingMath.Wide(logits), mask?.unsqueeze(-1), 0);
        return OfLse(nn.functional.two_pass_logsumexp(z, -1), coefficient, mask).MoveToOuterDisposeScope();
    }

    internal static Tensor RouterZOfLse(Tensor lse, double coefficient, Tensor? mask)
    {
        Check.DenseFloating(lse, nameof(lse));
        RoutingArguments.Mask(mask, lse.shape, lse, nameof(mask));
        RoutingArguments.NotNegative(coefficient, nameof(coefficient));
        using var scope = NewDisposeScope();
        return OfLse(RoutingMath.Wide(lse), coefficient, mask).MoveToOuterDisposeScope();
    }

    private static Tensor OfLse(Tensor lse, double coefficient, Tensor? mask)
    {
        var one = RoutingMath.Number(1, ScalarType.Float64);
        var size = mask is null ? RoutingMath.Number(lse.numel(), ScalarType.Float64) : mask.to_type(ScalarType.Float64).sum();
        var factor = RoutingMath.Number(coefficient, ScalarType.Float64).div(size.maximum(one)).to_type(lse.dtype);
        var counted = Counted(lse, mask, 0);
        return counted.mul(counted).sum().mul(factor);
    }

    /// <summary>The tensor with what does not count replaced: a product with 0 would keep the NaN of padding.</summary>
    private static Tensor Counted(Tensor x, Tensor? mask, double otherwise) => mask is null ? x : where(mask, x, RoutingMath.Number(otherwise, x.dtype));

    /// <summary>A view of the same shape would be one more node to go through.</summary>
    private static Tensor Shaped(Tensor x, params ReadOnlySpan<long> shape) => shape.Length == x.ndim ? x : x.reshape([.. shape]);

    /// <summary>The normal distribution's function, (1 + erf(x / sqrt(2))) / 2, by erfc: small chances keep their digits.</summary>
    private static Tensor Normal(Tensor x) =>
        x.mul(RoutingMath.Number(-Math.Sqrt(0.5), x.dtype)).erfc().mul(RoutingMath.Number(0.5, x.dtype));

    private static Tensor Scaled(Tensor loss, double coefficient) => loss.mul(RoutingMath.Number(coefficient, loss.dtype));

    private static long Product(long[] sizes) => sizes.Aggregate(1L, (product, size) => product * size);
}
