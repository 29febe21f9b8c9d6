using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>Top-k gates from libtorch's operators: what tensors without a kernel take, and second derivatives.</summary>
internal static class TopKGateComposed
{
    /// <summary>[tokens, experts] logits; the outputs in the shapes of such a call.</summary>
    internal static TopKGateOutputs Of(Tensor logits, TopKGateCall call)
    {
        using var x = logits.to_type(Dtype.ArithmeticOf(logits.dtype));
        using var scores = call.IsSigmoid ? x.sigmoid() : null;
        var indices = Indices(x, scores, call);
        var weights = WeightsOf(x, scores, indices, call);
        var counts = Counts(indices, call);
        if (!call.Statistics)
        {
            return new(weights, indices, counts, null, null);
        }

        using var shares = scores is null ? x.softmax(1) : Shares(scores);
        return new(weights, indices, counts, x.logsumexp(1), shares.mean([0L]));
    }

    /// <summary>The logits' gradient for a packed upstream gradient, itself differentiable by both.</summary>
    internal static Tensor Gradient(Tensor logits, Tensor indices, Tensor gradient, TopKGateCall call)
    {
        using var flat = logits.reshape(call.Shape.Tokens, call.Shape.Experts);
        using var x = flat.to_type(Dtype.ArithmeticOf(logits.dtype));
        using var packed = gradient.reshape(-1); // whatever its strides are
        using var part = packed.narrow(0, 0, call.WeightsEnd);
        using var dweights = part.reshape(call.Shape.Tokens, call.Shape.Kept);
        using var places = indices.reshape(call.Shape.Tokens, call.Shape.Kept);
        using var kept = call.IsSigmoid ? OfSigmoid(x, places, dweights, call) : OfSoftmax(x, places, dweights, call);
        using var all = call.Statistics ? WithStatistics(kept, x, packed, call) : kept.alias();
        using var typed = all.to_type(logits.dtype);
        return typed.reshape(logits.shape);
    }

    private static Tensor OfSoftmax(Tensor x, Tensor indices, Tensor dweights, TopKGateCall call)
    {
        if (call.Rule.Mode == TopKGateMode.Softmax)
        {
            using var spread = Spread(dweights, indices, x);
            using var p = x.softmax(1);
            using var part = spread.mul(p);
            using var dot = part.sum(1, keepdim: true);
            using var moved = spread.sub(dot);
            return moved.mul(p);
        }

        using var logits = x.gather(1, indices);
        using var w = logits.softmax(1);
        using var product = w.mul(dweights);
        using var sum = product.sum(1, keepdim: true);
        using var centred = dweights.sub(sum);
        using var own = centred.mul(w);
        return Spread(own, indices, x);
    }

    private static Tensor OfSigmoid(Tensor x, Tensor indices, Tensor dweights, TopKGateCall call)
    {
        using var logits = x.gather(1, indices);
        using var s = logits.sigmoid();
        using var sum = Sum(s);
        using var share = s.div(sum);
        using var product = share.mul(dweights);
        using var dot = product.sum(1, keepdim: true);
        using var centred = dweights.sub(dot);
        using var slope = Slope(s);
        using var sloped = centred.mul(slope);
        using var per = sloped.div(sum);
        using var scale = Constant(call.Rule.Scale, x);
        using var own = per.mul(scale);
        return Spread(own, indices, x);
    }

    private static Tensor WithStatistics(Tensor kept, Tensor x, Tensor gradient, TopKGateCall call)
    {
        using var dlse = gradient.narrow(0, call.WeightsEnd, call.Shape.Tokens);
        using var column = dlse.unsqueeze(1);
        using var p = x.softmax(1);
        using var ofLse = p.mul(column);
        using var dmean = gradient.narrow(0, call.LseEnd, call.Shape.Experts);
        using var tokens = Constant(call.Shape.Tokens, x);
        using var h = dmean.div(tokens);
        using var scores = call.IsSigmoid ? x.sigmoid() : null;
        using var shares = scores is null ? p.alias() : Shares(scores);
        using var product = shares.mul(h);
        using var dot = product.sum(1, keepdim: true);
        using var centred = h.sub(dot);
        using var ofShares = centred.mul(shares);
        using var ofMean = scores is null ? ofShares.alias() : TimesLess(ofShares, scores);
        using var both = ofMean.add(ofLse, Scalars.One);
        return both.add(kept, Scalars.One);
    }

    /// <summary>Of equals the lowest first: a stable sort. NaN counts as -infinity.</summary>
    private static Tensor Indices(Tensor x, Tensor? scores, TopKGateCall call)
    {
        using var plain = (scores ?? x).detach();
        using var bias = call.Bias?.to_type(plain.dtype);
        using var biased = bias is null ? plain.alias() : plain.add(bias, Scalars.One);
        using var numbers = Numbers(biased);
        using var choice = call.Rule.KeptGroups < call.Rule.Groups ? InGroups(numbers, call) : numbers.alias();
        return Best(choice, call.Shape.Kept);
    }

    private static Tensor Numbers(Tensor x)
    {
        using var nan = x.isnan();
        return x.masked_fill(nan, Scalars.NegativeInfinity);
    }

    private static Tensor Best(Tensor x, long k)
    {
        var (values, order) = x.sort(1, descending: true, stable: true);
        using (values)
        using (order)
        using (var first = order.narrow(1, 0, k))
        {
            return first.contiguous();
        }
    }

    /// <summary>Choices outside the kept groups are -infinity, those inside are above it.</summary>
    private static Tensor InGroups(Tensor choice, TopKGateCall call)
    {
        long groups = call.Rule.Groups, size = call.Shape.Experts / groups;
        using var lowest = Constant(choice.dtype == ScalarType.Float64 ? double.MinValue : float.MinValue, choice);
        using var below = choice.lt(lowest);
        using var finite = where(below, lowest, choice);
        using var grouped = finite.reshape(call.Shape.Tokens * groups, size);
        using var two = Two(grouped);
        using var sums = two.sum(1);
        using var scores = sums.reshape(call.Shape.Tokens, groups);
        using var kept = Best(scores, call.Rule.KeptGroups);
        using var none = zeros_like(scores);
        using var one = ones_like(kept);
        using var typed = one.to_type(scores.dtype);
        using var marks = none.scatter(1, kept, typed);
        using var half = Constant(0.5, choice);
        using var isOut = marks.lt(half);
        using var column = isOut.unsqueeze(2);
        using var cube = finite.reshape(call.Shape.Tokens, groups, size);
        using var masked = cube.masked_fill(column, Scalars.NegativeInfinity);
        return masked.reshape(call.Shape.Tokens, call.Shape.Experts);
    }

    /// <summary>The two largest of each row, or the only one.</summary>
    private static Tensor Two(Tensor x)
    {
        var (values, order) = x.sort(1, descending: true, stable: true);
        using (values)
        using (order)
        {
            return values.narrow(1, 0, Math.Min(2, x.size(1)));
        }
    }

    /// <summary>A token with a NaN has no other weights.</summary>
    private static Tensor WeightsOf(Tensor x, Tensor? scores, Tensor indices, TopKGateCall call)
    {
        using var weights = Numbered(x, scores, indices, call);
        using var nan = x.isnan();
        using var any = nan.any(1, keepdim: true);
        return weights.masked_fill(any, Scalars.NaN);
    }

    private static Tensor Numbered(Tensor x, Tensor? scores, Tensor indices, TopKGateCall call)
    {
        if (scores is not null)
        {
            using var s = scores.gather(1, indices);
            using var sum = Sum(s);
            using var share = s.div(sum);
            using var scale = Constant(call.Rule.Scale, x);
            return share.mul(scale);
        }

        if (call.Rule.Mode == TopKGateMode.Softmax)
        {
            using var p = x.softmax(1);
            return p.gather(1, indices);
        }

        using var kept = x.gather(1, indices);
        return kept.softmax(1);
    }

    private static Tensor Counts(Tensor indices, TopKGateCall call)
    {
        using var flat = indices.reshape(-1);
        using var ones = ones_like(flat);
        using var none = zeros([call.Shape.Experts], ScalarType.Int64, indices.device);
        return none.scatter_add(0, flat, ones);
    }

    private static Tensor Shares(Tensor scores)
    {
        using var sum = Sum(scores);
        return scores.div(sum);
    }

    /// <summary>The sum over a row of scores, and a little.</summary>
    private static Tensor Sum(Tensor scores)
    {
        using var sum = scores.sum(1, keepdim: true);
        using var least = Constant(GateRule.Least, scores);
        return sum.add(least, Scalars.One);
    }

    private static Tensor Slope(Tensor scores) => TimesLess(scores, scores);

    /// <summary>x * (1 - s).</summary>
    private static Tensor TimesLess(Tensor x, Tensor s)
    {
        using var one = Constant(1, s);
        using var rest = one.sub(s);
        return x.mul(rest);
    }

    private static Tensor Spread(Tensor kept, Tensor indices, Tensor like)
    {
        using var none = zeros_like(like);
        return none.scatter(1, indices, kept);
    }

    private static Tensor Constant(double value, Tensor like) => Scalars.Tensor(value, like.dtype, like.device);
}
