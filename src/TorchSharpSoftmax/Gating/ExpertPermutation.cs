using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>
/// The tokens' rows grouped by expert, and back: what comes between a gate and its experts. From <c>torch.nn.functional.expert_permutation</c>. Disposing it disposes its tensors,
/// not what it has made; a graph keeps what it needs.
/// </summary>
/// <remarks>Within an expert rows stay in the order of their tokens.</remarks>
public sealed class ExpertPermutation : IDisposable
{
    private readonly long[] _shape; // of the tokens
    private readonly long _k;
    private readonly bool _hasGaps;
    private readonly Tensor _inverse; // [tokens, k], the row of each slot, or -1

    internal ExpertPermutation(ExpertPermutationPlan plan, long[] shape, Device device)
    {
        (_shape, _k) = (shape, plan.Places.size(1));
        _hasGaps = plan.Slots.size(0) < plan.Places.numel();
        (_inverse, slots, tokens) = (On(device, plan.Places), On(device, plan.Slots), On(device, plan.Tokens));
        (counts, assigned, dropped) = (plan.Counts, plan.Assigned, plan.Assigned - slots.size(0));
    }

    /// <summary>The token of each row, [rows] (Int64); numbers count the tokens through all their dims.</summary>
    public Tensor tokens { get; }

    /// <summary>The slot of each row, [rows] (Int64): <c>token * k + choice</c>.</summary>
    public Tensor slots { get; }

    /// <summary>How many rows each expert has; those of expert 0 come first.</summary>
    public IReadOnlyList<long> counts { get; }

    /// <summary>How many slots name an expert.</summary>
    public long assigned { get; }

    /// <summary>How many of them found their expert full.</summary>
    public long dropped { get; }

    /// <summary>The share that was dropped, 0 to 1; 0 where nothing was assigned.</summary>
    public double drop_rate => assigned == 0 ? 0 : (double)dropped / assigned;

    /// <summary>The rows of the tokens grouped by expert, [rows, D]. Differentiable, any number of times.</summary>
    /// <param name="input">[..., D], with the tokens of the indices.</param>
    /// <exception cref="ArgumentException">The input is disposed, or has other tokens or another device.</exception>
    /// <exception cref="ObjectDisposedException">The permutation, or the dispose scope that it was made in, has been disposed.</exception>
    public Tensor permute(Tensor input)
    {
        ObjectDisposedException.ThrowIf(tokens.IsInvalid, this);
        Check.Alive(input, nameof(input));
        if (input.ndim != _shape.Length + 1 || !input.shape.AsSpan(.._shape.Length).SequenceEqual(_shape))
        {
            throw new ArgumentException(
                $"'{nameof(input)}' has shape {Check.Text(input.shape)}; {Check.Text(_shape)[..^1]}{(_shape.Length > 0 ? ", " : "")}D] is required.", nameof(input));
        }

        Check.Device(input, tokens, nameof(input));
        using var rows = input.reshape(_inverse.size(0), input.size(_shape.Length));
        return ExpertPermutationFunction.Apply(rows, tokens, _inverse, slots, _hasGaps);
    }

    /// <summary>The tokens again, [..., D]: the sum of each token's rows, times their weights. Differentiable in both, any number of times.</summary>
    /// <remarks>
    /// A dropped or unused slot counts as 0, and a token that has no other is 0. Sums are in Float32, or Float64 for Float64, in the order of the slots.
    /// </remarks>
    /// <param name="rows">[rows, D], of a floating dtype, as <see cref="permute"/> orders them.</param>
    /// <param name="weights">[..., k], or null for 1.</param>
    /// <returns>Of the rows' dtype.</returns>
    /// <exception cref="ArgumentException">A tensor is disposed, or of a shape, dtype or device that does not fit.</exception>
    /// <exception cref="ObjectDisposedException">The permutation, or the dispose scope that it was made in, has been disposed.</exception>
    public Tensor unpermute(Tensor rows, Tensor? weights = null)
    {
        ObjectDisposedException.ThrowIf(tokens.IsInvalid, this);
        Check.DenseFloating(rows, nameof(rows));
        if (rows.ndim != 2 || rows.size(0) != slots.size(0))
        {
            throw new ArgumentException($"'{nameof(rows)}' has shape {Check.Text(rows.shape)}; [{slots.size(0)}, D] is required.", nameof(rows));
        }

        Check.Device(rows, tokens, nameof(rows));
        if (weights is not null)
        {
            Check.DenseFloating(weights, nameof(weights));
            Check.Shape(weights, [.. _shape, _k], nameof(weights));
            Check.Device(weights, tokens, nameof(weights));
        }

        using var scope = NewDisposeScope();
        var arithmetic = Dtype.ArithmeticOf(rows.dtype);
        var flat = weights?.to_type(arithmetic).reshape(_inverse.size(0), _k);
        var y = ExpertCombinationFunction.Apply(rows, tokens, _inverse, slots, flat, _hasGaps);
        return (_shape.Length == 1 ? y : y.reshape([.. _shape, rows.size(1)])).MoveToOuterDisposeScope();
    }

    /// <summary>The rows of each expert, views in the experts' order; an expert without rows has a view of none.</summary>
    /// <param name="rows">[rows, ...], as <see cref="permute"/> orders them.</param>
    /// <exception cref="ArgumentException">The tensor is disposed or has another number of rows.</exception>
    /// <exception cref="ObjectDisposedException">The permutation, or the dispose scope that it was made in, has been disposed.</exception>
    public IReadOnlyList<Tensor> split(Tensor rows)
    {
        ObjectDisposedException.ThrowIf(tokens.IsInvalid, this);
        Check.Alive(rows, nameof(rows));
        if (rows.ndim == 0 || rows.size(0) != slots.size(0))
        {
            throw new ArgumentException($"'{nameof(rows)}' has shape {Check.Text(rows.shape)}; [{slots.size(0)}, ...] is required.", nameof(rows));
        }

        var parts = new Tensor[counts.Count];
        long start = 0;
        for (int expert = 0; expert < parts.Length; expert++)
        {
            parts[expert] = rows.narrow(0, start, counts[expert]);
            start += counts[expert];
        }

        return parts;
    }

    /// <summary>Disposes <see cref="tokens"/> and <see cref="slots"/>, and what it keeps beside them.</summary>
    public void Dispose()
    {
        tokens.Dispose();
        slots.Dispose();
        _inverse.Dispose();
    }

    private static Tensor On(Device device, Tensor x)
    {
        if (device.type == DeviceType.CPU)
        {
            return x;
        }

        using (x)
        {
            return x.to(device);
        }
    }

    /// <summary>Rows per expert: <c>ceil(factor * assignments / E)</c>, at least 1, and no more than there are.</summary>
    internal static long Capacity(double factor, long assignments, long experts) =>
        Math.Max(1, (long)Math.Min(Math.Ceiling(factor * assignments / experts), assignments));
}
