using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Per-token results, ignored tokens included: tensors of one dim in a wide dtype, and what is outside the graph.</summary>
internal readonly record struct CutCrossEntropyFound(Tensor Loss, Tensor LogSumExp, Tensor? Entropy, long[]? Argmax)
{
    internal const int LossRow = 0, LogSumExpRow = 1, EntropyRow = 2;

    /// <summary>From what a kernel has left in the state.</summary>
    internal static CutCrossEntropyFound Of(Tensor results, CutCrossEntropyCall call) => new(
        results.select(0, LossRow), results.select(0, LogSumExpRow), call.WantsEntropy ? results.select(0, EntropyRow) : null, ArgmaxOf(call));

    /// <summary>[2 or 3, tokens] in double, 0 where a token does not count.</summary>
    internal static Tensor FromState(CutCrossEntropyCall call)
    {
        int kinds = call.WantsEntropy ? 3 : 2;
        var (rows, found) = (call.Rows, call.State.Rows);
        var values = new double[kinds * rows.Tokens];
        for (int i = 0; i < found.Length; i++)
        {
            values[rows.Places[i]] = found[i].Loss;
            values[rows.Tokens + rows.Places[i]] = found[i].LogSumExp;
            if (call.WantsEntropy)
            {
                values[(2 * rows.Tokens) + rows.Places[i]] = found[i].Entropy;
            }
        }

        return tensor(values, [kinds, rows.Tokens], ScalarType.Float64, CPU);
    }

    /// <summary>The same as <see cref="FromState"/> gives, with its graph.</summary>
    internal Tensor Results()
    {
        using var all = stack(Entropy is null ? [Loss, LogSumExp] : [Loss, LogSumExp, Entropy], 0);
        return all.to_type(ScalarType.Float64);
    }

    internal void Dispose()
    {
        Loss.Dispose();
        LogSumExp.Dispose();
        Entropy?.Dispose();
    }

    /// <summary>The loss of the wanted reduction, of the dtype.</summary>
    internal Tensor Reduced(CutCrossEntropyCall call, ScalarType dtype)
    {
        using var weighted = Weighted(call);
        using var wide = call.Reduction == nn.Reduction.None ? PerToken(weighted, call) : Sum(weighted, call);
        return wide.to_type(dtype);
    }

    /// <summary>A per-token result of the tokens' shape and the dtype.</summary>
    internal static Tensor Shaped(Tensor perToken, CutCrossEntropyCall call, ScalarType dtype)
    {
        using var shaped = perToken.reshape(call.Rows.Shape);
        return shaped.to_type(dtype);
    }

    private Tensor Weighted(CutCrossEntropyCall call)
    {
        if (call.Rows.Weights is not { } weights)
        {
            return Loss.alias();
        }

        using var w = tensor(call.Rows.Spread(0.0, i => weights[i]), Loss.dtype, Loss.device);
        return Loss.mul(w);
    }

    private Tensor PerToken(Tensor weighted, CutCrossEntropyCall call)
    {
        if (call.ZLoss == 0)
        {
            return weighted.reshape(call.Rows.Shape);
        }

        using var squares = Squares(call);
        using var all = weighted.add(squares, Scalars.One);
        return all.reshape(call.Rows.Shape);
    }

    private Tensor Sum(Tensor weighted, CutCrossEntropyCall call)
    {
        using var sum = weighted.sum();
        using var divisor = Scalars.Tensor(call.Divisor, Loss.dtype, Loss.device);
        var loss = sum.div(divisor);
        if (call.ZLoss == 0)
        {
            return loss;
        }

        using (loss)
        {
            using var squares = Squares(call);
            using var z = squares.sum();
            return loss.add(z, Scalars.One);
        }
    }

    private Tensor Squares(CutCrossEntropyCall call)
    {
        using var square = LogSumExp.mul(LogSumExp);
        using var factor = Scalars.Tensor(call.Squares, Loss.dtype, Loss.device);
        return square.mul(factor);
    }

    private static long[]? ArgmaxOf(CutCrossEntropyCall call) => call.WantsArgmax ? Array.ConvertAll(call.State.Rows, row => row.Argmax) : null;
}
