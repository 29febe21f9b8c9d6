using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>
/// The way back from experts to tokens, y[t] = sum over j of weights[t, j] * rows[places[t, j]], in the order of j; places of -1 count as rows of zeros. Indices are those of
/// <see cref="ExpertPermutationFunction"/>, which is the gradient where there are no weights.
/// </summary>
/// <remarks>Sums are in Float32, or Float64 for Float64. Saves its inputs; the second derivative is composed.</remarks>
internal sealed class ExpertCombinationFunction : KernelFunction<ExpertCombinationFunction, bool>
{
    private const int Rows = 0, Tokens = 1, Places = 2, Slots = 3, Weights = 4;

    /// <param name="rows">[rows, D].</param>
    /// <param name="tokens">[rows].</param>
    /// <param name="places">[tokens, k].</param>
    /// <param name="slots">[rows].</param>
    /// <param name="weights">[tokens, k] of the computing dtype, or null for 1.</param>
    /// <param name="hasGaps">Whether there are places of -1.</param>
    internal static Tensor Apply(Tensor rows, Tensor tokens, Tensor places, Tensor slots, Tensor? weights, bool hasGaps) =>
        weights is null ? Run(hasGaps, rows, tokens, places, slots) : Run(hasGaps, rows, tokens, places, slots, weights);

    protected override Tensor Forward(ReadOnlySpan<Tensor> inputs, bool hasGaps, List<Tensor>? saved)
    {
        var (rows, places, weights) = (inputs[Rows], inputs[Places], inputs.Length > Weights ? inputs[Weights] : null);
        saved?.AddRange(inputs);
        if (!Dtype.HasKernel(rows))
        {
            return Composed(rows, places, weights, hasGaps);
        }

        Tensor rc = Memory.Contiguous(rows), pc = Memory.Contiguous(places);
        var wc = weights is null ? null : Memory.Contiguous(weights);
        var y = Memory.Fresh([places.size(0), rows.size(1)], rows.dtype);
        Dtype.Run(rows.dtype, new Kernel(rc, pc, wc, y));
        Memory.Release(rc, rows);
        Memory.Release(pc, places);
        if (wc is not null)
        {
            Memory.Release(wc, weights!);
        }

        return y;
    }

    protected override void Backward(Tensor gradient, IReadOnlyList<Tensor> saved, bool hasGaps, Gradients gradients)
    {
        Tensor rows = saved[Rows], tokens = saved[Tokens], places = saved[Places], slots = saved[Slots];
        if (saved.Count <= Weights)
        {
            gradients[0] = ExpertPermutationFunction.Apply(gradient, tokens, places, slots, hasGaps);
            return;
        }

        var weights = saved[Weights];
        if (is_grad_enabled() || !Dtype.HasKernel(rows))
        {
            using var byRow = ExpertPermutationFunction.Apply(gradient, tokens, places, slots, hasGaps);
            using var wide = byRow.to_type(weights.dtype);
            if (gradients.Wants(Rows))
            {
                using var flat = weights.reshape(-1);
                using var ofRow = flat.index_select(0, slots);
                using var column = ofRow.unsqueeze(1);
                using var product = wide.mul(column);
                gradients[Rows] = product.dtype == rows.dtype ? product.alias() : product.to_type(rows.dtype);
            }

            if (gradients.Wants(Weights))
            {
                using var wideRows = rows.to_type(weights.dtype);
                using var products = wide.mul(wideRows);
                using var dots = products.sum(1);
                using var none = zeros([weights.numel()], weights.dtype, weights.device);
                using var spread = none.scatter(0, slots, dots);
                gradients[Weights] = spread.reshape(weights.shape);
            }

            return;
        }

        Tensor gc = Memory.Contiguous(gradient), rc = Memory.Contiguous(rows), pc = Memory.Contiguous(places), wc = Memory.Contiguous(weights);
        var drows = gradients.Wants(Rows) ? Memory.Fresh(rc) : null;
        var dweights = gradients.Wants(Weights) ? Memory.Fresh(wc) : null;
        Dtype.Run(rows.dtype, new BackwardKernel(rc, pc, wc, gc, drows, dweights));
        Memory.Release(gc, gradient);
        Memory.Release(rc, rows);
        Memory.Release(pc, places);
        Memory.Release(wc, weights);
        if (drows is not null)
        {
            gradients[Rows] = drows;
        }

        if (dweights is not null)
        {
            gradients[Weights] = dweights;
        }
    }

    /// <summary>The same values of libtorch's operators.</summary>
    internal static Tensor Composed(Tensor rows, Tensor places, Tensor? weights, bool hasGaps)
    {
        using var scope = NewDisposeScope();
        long tokens = places.size(0), k = places.size(1), width = rows.size(1);
        if (rows.size(0) == 0)
        {
            return zeros([tokens, width], rows.dtype, rows.device).MoveToOuterDisposeScope();
        }

        Tensor index = places.reshape(-1), named = hasGaps ? index.maximum(Scalars.Tensor(0L, ScalarType.Int64)) : index;
        var found = rows.index_select(0, named);
        if (hasGaps)
        {
            found = where(index.eq(named).unsqueeze(1), found, Scalars.Tensor(0.0, rows.dtype));
        }

        var y = found.to_type(weights?.dtype ?? (Dtype.IsServed(rows.dtype) ? Dtype.ArithmeticOf(rows.dtype) : rows.dtype)).reshape(tokens, k, width);
        if (weights is not null)
        {
            y = y.mul(weights.unsqueeze(2));
        }

        return y.sum(1).to_type(rows.dtype).alias().MoveToOuterDisposeScope();
    }

    /// <summary>The caller keeps the tensors alive.</summary>
    private static unsafe GateCombineTask TaskOf(Tensor rows, Tensor places, Tensor? weights, Tensor tokenwise) => new()
    {
        Tokens = (nint)places.size(0),
        Kept = (nint)places.size(1),
        Features = (nint)rows.size(1),
        Rows = Memory.Of(rows),
        Places = (long*)Memory.Of(places),
        Weights = weights is null ? null : Memory.Of(weights),
        Tokenwise = Memory.Of(tokenwise),
    };

    private readonly struct Kernel(Tensor rows, Tensor places, Tensor? weights, Tensor y) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            GateKernels.Combine<S>(TaskOf(rows, places, weights, y), get_num_threads());
            GC.KeepAlive(rows);
            GC.KeepAlive(places);
            GC.KeepAlive(weights);
            GC.KeepAlive(y);
        }
    }

    private readonly struct BackwardKernel(Tensor rows, Tensor places, Tensor weights, Tensor gradient, Tensor? drows, Tensor? dweights) : IElementCall
    {
        public unsafe void Run<S>() where S : unmanaged
        {
            GateKernels.CombineBackward<S>(
                TaskOf(rows, places, weights, gradient) with
                {
                    RowsGradient = drows is null ? null : Memory.Of(drows),
                    WeightsGradient = dweights is null ? null : Memory.Of(dweights),
                },
                get_num_threads());
            GC.KeepAlive(rows);
            GC.KeepAlive(places);
            GC.KeepAlive(weights);
            GC.KeepAlive(gradient);
            GC.KeepAlive(drows);
            GC.KeepAlive(dweights);
        }
    }
}
