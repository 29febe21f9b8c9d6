using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>
/// The projection from libtorch's operators: what tensors without a kernel take, and the derivative of those with one. In float64, with one vector per row.
/// </summary>
/// <remarks>
/// With a = w.g / (|w|^2 + eps), c = strength * a, p = g - c w and f = |g| / |p|, the projection is f p. An upstream v gives, with q = f (v - (v.p / |p|^2) p):
/// dg = q - (q.w) strength / (|w|^2 + eps) w + f (v.p) / |g|^2 g, and dw = -(q.w) strength / (|w|^2 + eps) (g - 2 a w) - c q.
/// </remarks>
internal static class PerpProjectionComposed
{
    internal static Tensor Project(Tensor weight, Tensor grad, PerpGradOptions options)
    {
        using var scope = NewDisposeScope();
        var projection = new Projection(weight, grad, options);
        return projection.Result.reshape(grad.shape).to_type(grad.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The gradient of the weight and that of the gradient; differentiable themselves.</summary>
    internal static (Tensor OfWeight, Tensor OfGrad) Differentiate(Tensor weight, Tensor grad, Tensor upstream, PerpGradOptions options)
    {
        using var scope = NewDisposeScope();
        var (ofWeight, ofGrad) = new Projection(weight, grad, options).Differentiate(upstream);
        return (
            ofWeight.reshape(weight.shape).to_type(weight.dtype).MoveToOuterDisposeScope(),
            ofGrad.reshape(grad.shape).to_type(grad.dtype).MoveToOuterDisposeScope());
    }

    internal static PerpSums Sums(Tensor weight, Tensor grad)
    {
        using var scope = NewDisposeScope();
        Tensor w = Wide(weight).flatten(), g = Wide(grad).flatten();
        return new(Value(w.dot(g)), Value(w.dot(w)), Value(g.dot(g)));
    }

    /// <summary>|g - along w|^2.</summary>
    internal static double Orthogonal(Tensor weight, Tensor grad, double along)
    {
        using var scope = NewDisposeScope();
        var p = Wide(grad).sub(Wide(weight).mul(Number(along))).flatten();
        return Value(p.dot(p));
    }

    internal static void Write(Tensor weight, Tensor grad, PerpFactors factors)
    {
        using var scope = NewDisposeScope();
        Memory.Discard(grad, grad.copy_(Wide(grad).sub(Wide(weight).mul(Number(factors.Removed))).mul(Number(factors.Scale))));
    }

    private static Tensor Wide(Tensor x) => x.to_type(x.device_type == DeviceType.MPS ? ScalarType.Float32 : ScalarType.Float64);

    /// <summary>A tensor of no dimensions, which meets tensors of any device.</summary>
    private static Tensor Number(double value) => Scalars.Tensor(value, ScalarType.Float64);

    private static double Value(Tensor x)
    {
        using var wide = x.cpu().to_type(ScalarType.Float64);
        return wide.item<double>();
    }

    private static Tensor Sum(Tensor x) => x.sum(1, keepdim: true);

    /// <summary>The terms of the formula, as tensors of the caller's dispose scope.</summary>
    private sealed class Projection
    {
        private readonly Tensor _w, _g, _gradientSquare, _share, _along, _removed, _p, _square, _isParallel, _isPlain, _factor;
        private readonly PerpRule _rule;

        internal Projection(Tensor weight, Tensor grad, PerpGradOptions options)
        {
            _rule = options.Rule;
            long rows = options.Rows(weight);
            _w = Wide(weight).reshape(rows, -1);
            _g = Wide(grad).reshape(rows, -1);
            var parallel = Number(Math.Pow(PerpGradOptions.Precision(grad.dtype).Parallel, 2));
            var weightSquare = Sum(_w.mul(_w));
            _gradientSquare = Sum(_g.mul(_g));
            Tensor zero = zeros_like(weightSquare), one = ones_like(weightSquare), isZero = weightSquare.eq(zero);
            _isPlain = isZero.bitwise_or(_gradientSquare.eq(zero));
            _share = Number(_rule.Strength).div(where(isZero, one, weightSquare.add(Number(_rule.Eps), Scalars.One)));
            _along = where(isZero, zero, Sum(_w.mul(_g)));
            _removed = _along.mul(_share);
            _p = _g.sub(_removed.mul(_w));
            _square = Sum(_p.mul(_p));
            _isParallel = _square.le(_gradientSquare.mul(parallel)).bitwise_and(_isPlain.bitwise_not());
            _factor = where(_isParallel, zero, _rule.Rescale ? Regular(_gradientSquare).div(Regular(_square)).sqrt() : one);
        }

        internal Tensor Result => _factor.mul(_p);

        internal (Tensor OfWeight, Tensor OfGrad) Differentiate(Tensor upstream)
        {
            var v = Wide(upstream).reshape(_g.shape);
            Tensor q = v, ofNorm = zeros_like(_factor);
            if (_rule.Rescale)
            {
                var along = where(_isPlain, ofNorm, Sum(v.mul(_p)).mul(_factor));
                q = _factor.mul(v).sub(along.div(Regular(_square)).mul(_p));
                ofNorm = along.div(Regular(_gradientSquare));
            }

            var removed = Sum(q.mul(_w)).mul(_share);
            var ratio = _along.mul(_share); // strength * a
            var two = Number(_rule.Strength > 0 ? 2 / _rule.Strength : 0);
            return (
                removed.mul(ratio.mul(two).mul(_w).sub(_g)).sub(_removed.mul(q)),
                q.sub(removed.mul(_w)).add(ofNorm.mul(_g), Scalars.One));
        }

        /// <summary>The square of a row that has both a direction and an orthogonal part, 1 for others: a root and a quotient of it have a derivative.</summary>
        private Tensor Regular(Tensor square) => where(_isPlain.bitwise_or(_isParallel), ones_like(square), square);
    }
}
