using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The whole of a linear cross-entropy from libtorch's operators, with the logits of all counted rows: what no kernel serves, and second derivatives.</summary>
internal static class CutCrossEntropyComposed
{
    /// <summary>The tensors are in the call's order.</summary>
    /// <param name="tensors">Those of the call; more may follow.</param>
    /// <param name="shares">Probabilities of sparse targets, where their gradient is wanted; else they come from the call.</param>
    /// <param name="call">The rest.</param>
    internal static CutCrossEntropyFound Of(IReadOnlyList<Tensor> tensors, Tensor? shares, CutCrossEntropyCall call)
    {
        var device = tensors[CutCrossEntropyCall.Input].device;
        using var index = tensor(call.Rows.Inputs, ScalarType.Int64, device);
        using var capped = Capped(tensors, index, call);
        using var logits = CrossEntropyComposed.Logits(capped, call.Link);
        using var lse = logits.logsumexp(1);
        using var classWeight = call.HasClassWeight ? tensors[call.ClassWeight].to_type(logits.dtype) : null;
        using var loss = call.Rows.Kind switch
        {
            CutCrossEntropyTargetKind.ClassNumbers => OfClasses(logits, classWeight, call),
            CutCrossEntropyTargetKind.Sparse => OfSparse(logits, classWeight, shares, call),
            _ => OfProbabilities(logits, classWeight, tensors[call.Probabilities], index, call),
        };
        using var entropy = call.WantsEntropy ? EntropyOf(logits, lse) : null;
        long[]? argmax = null;
        if (call.WantsArgmax)
        {
            using var largest = capped.argmax(1);
            argmax = ElementAccess.Numbers(largest);
        }

        using var places = tensor(call.Rows.Places, ScalarType.Int64, device);
        return new(Spread(loss, places, call), Spread(lse, places, call), entropy is null ? null : Spread(entropy, places, call), argmax);
    }

    /// <summary>The gradients with a graph of their own: those of a composition of the saved tensors.</summary>
    /// <remarks>
    /// By a view of each tensor (an `alias` is the tensor itself): the derivative by a saved tensor itself would also take the ways to it through another one (a weight tied
    /// to what made the input, one tensor given twice), which the engine goes anyway.
    /// </remarks>
    internal static void Gradients(
        Tensor gradient, IReadOnlyList<Tensor> saved, CutCrossEntropyCall call, Gradients gradients, Func<CutCrossEntropyFound, Tensor> result)
    {
        Tensor[] views = [.. saved.Take(call.Tensors).Select(tensor => tensor.view(tensor.shape))];
        try
        {
            List<int> wanted = [];
            for (int i = 0; i < views.Length; i++)
            {
                if (gradients.Wants(i))
                {
                    wanted.Add(i);
                }
            }

            var found = Of(views, shares: null, call);
            using var y = result(found);
            found.Dispose();

            // An error in there would end the process on the real TorchSharp, but the composition above has run: what memory it takes, and what shapes it has, is known to be good.
            var derivatives = autograd.grad([y], [.. wanted.Select(i => views[i])], [gradient], retain_graph: true, create_graph: true);
            for (int i = 0; i < wanted.Count; i++)
            {
                gradients[wanted[i]] = derivatives[i];
            }
        }
        finally
        {
            Array.ForEach(views, view => view.Dispose());
        }
    }

    /// <summary>The logits of the counted rows before the link.</summary>
    private static Tensor Capped(IReadOnlyList<Tensor> tensors, Tensor index, CutCrossEntropyCall call)
    {
        var (input, weight) = (tensors[CutCrossEntropyCall.Input], tensors[CutCrossEntropyCall.Weight]);
        using var flat = input.ndim == 1 ? input.unsqueeze(0) : input.flatten(0, -2);
        using var rows = flat.index_select(0, index);
        using var product = Linear(rows, weight, call.HasBias ? tensors[call.Bias] : null);
        using var scale = Constant(call.Scale, product);
        using var scaled = product.mul(scale);
        if (call.Softcap == 0)
        {
            return scaled.alias();
        }

        using var cap = Constant(call.Softcap, product);
        using var part = scaled.div(cap);
        using var bounded = part.tanh();
        return bounded.mul(cap);
    }

    /// <summary>As the kernels: 16-bit types in float. On the CPU libtorch has no product of every 16-bit type.</summary>
    private static Tensor Linear(Tensor rows, Tensor weight, Tensor? bias)
    {
        var arithmetic = Dtype.ArithmeticOf(rows.dtype);
        if (rows.dtype == arithmetic)
        {
            return nn.functional.linear(rows, weight, bias);
        }

        if (rows.device_type != DeviceType.CPU)
        {
            using var product = nn.functional.linear(rows, weight, bias);
            return product.to_type(arithmetic);
        }

        using var x = rows.to_type(arithmetic);
        using var w = weight.to_type(arithmetic);
        using var b = bias?.to_type(arithmetic);
        return nn.functional.linear(x, w, b);
    }

    private static Tensor OfClasses(Tensor logits, Tensor? classWeight, CutCrossEntropyCall call)
    {
        using var target = tensor(call.Rows.Targets, ScalarType.Int64, logits.device);
        return nn.functional.cross_entropy(logits, target, classWeight, reduction: nn.Reduction.None, label_smoothing: call.Smoothing);
    }

    private static Tensor OfProbabilities(Tensor logits, Tensor? classWeight, Tensor target, Tensor index, CutCrossEntropyCall call)
    {
        using var flat = target.reshape(-1, logits.size(1));
        using var shift = Scalars.Tensor(call.Rows.Shift, ScalarType.Int64, logits.device);
        using var at = index.add(shift, Scalars.One);
        using var rows = flat.index_select(0, at);
        using var typed = rows.to_type(logits.dtype);
        return nn.functional.cross_entropy(logits, typed, classWeight, reduction: nn.Reduction.None, label_smoothing: call.Smoothing);
    }

    /// <summary>-sum over targets of share * class weight * (1 - smoothing) * log(p), and the smoothing's part. What counts 0 counts 0 at -infinity too.</summary>
    private static Tensor OfSparse(Tensor logits, Tensor? classWeight, Tensor? shares, CutCrossEntropyCall call)
    {
        using var targets = tensor(call.Rows.Targets, [call.Rows.Count, call.Rows.TargetsPerRow], ScalarType.Int64, logits.device);
        using var counts = Counts(logits, classWeight, targets, shares, call);
        using var log = logits.log_softmax(1);
        using var ofTargets = log.gather(1, targets);
        using var zero = Constant(0, logits);
        using var nothing = counts.eq(zero);
        using var known = ofTargets.masked_fill(nothing, Scalars.Zero);
        using var products = known.mul(counts);
        using var own = products.sum(1);
        if (call.Smoothing == 0)
        {
            return own.neg();
        }

        using var weights = classWeight?.alias() ?? Constant(1, logits);
        using var each = log.mul(weights);
        using var every = each.sum(1);
        using var spread = Constant(call.Smoothing / logits.size(1), logits);
        using var smooth = every.mul(spread);
        using var all = own.add(smooth, Scalars.One);
        return all.neg();
    }

    private static Tensor Counts(Tensor logits, Tensor? classWeight, Tensor targets, Tensor? shares, CutCrossEntropyCall call)
    {
        using var known = tensor(call.Rows.Shares!, targets.shape, logits.dtype, logits.device);
        using var own = Constant(1 - call.Smoothing, logits);
        using var ofShares = shares is null ? known.alias() : Differentiable(shares, known, call);
        using var part = ofShares.mul(own);
        if (classWeight is null)
        {
            return part.alias();
        }

        using var flat = targets.reshape(-1);
        using var selected = classWeight.index_select(0, flat);
        using var weights = selected.reshape(targets.shape);
        return part.mul(weights);
    }

    /// <summary>The user's own tensor in place of the numbers read from it.</summary>
    private static Tensor Differentiable(Tensor shares, Tensor known, CutCrossEntropyCall call)
    {
        using var flat = shares.reshape(-1, call.Rows.TargetsPerRow);
        using var index = tensor(Array.ConvertAll(call.Rows.Inputs, input => input + call.Rows.Shift), ScalarType.Int64, known.device);
        using var rows = flat.index_select(0, index);
        using var typed = rows.to_type(known.dtype);
        using var nothing = call.Rows.Padding(known.device);
        return typed.masked_fill(nothing, Scalars.Zero);
    }

    /// <summary>-sum(p log p), where a class of probability 0 has no part.</summary>
    private static Tensor EntropyOf(Tensor logits, Tensor lse)
    {
        using var sums = lse.unsqueeze(1);
        using var log = logits.sub(sums);
        using var p = log.exp();
        using var floor = Constant(double.NegativeInfinity, logits);
        using var masked = logits.eq(floor);
        using var finite = log.masked_fill(masked, Scalars.Zero);
        using var products = p.mul(finite);
        using var sum = products.sum(1);
        return sum.neg();
    }

    private static Tensor Spread(Tensor counted, Tensor places, CutCrossEntropyCall call)
    {
        using var none = zeros([call.Rows.Tokens], counted.dtype, counted.device);
        return none.index_copy(0, places, counted);
    }

    private static Tensor Constant(double value, Tensor like) => Scalars.Tensor(value, like.dtype, like.device);
}
