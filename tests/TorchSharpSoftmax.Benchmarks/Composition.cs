using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>
/// What users without this library write: libtorch's operators, in the fastest order found. Where no gradient is wanted they work in place.
/// </summary>
internal static class Composition
{
    /// <summary>s(x) is max(x, 0) + 1 / (1 - min(x, 0)): two clamps and no branch.</summary>
    public static Tensor StableMax(Tensor x, long dim)
    {
        using var scope = NewDisposeScope();
        Tensor s = S(x);
        return (s / s.sum(dim, keepdim: true)).MoveToOuterDisposeScope();
    }

    public static Tensor StableMaxInPlace(Tensor x, long dim)
    {
        using var scope = NewDisposeScope();
        Tensor s = SInPlace(x);
        return s.div_(s.sum(dim, keepdim: true)).MoveToOuterDisposeScope();
    }

    /// <summary>log s(x) = sign(x) log(1 + |x|), then libtorch's own fused log_softmax.</summary>
    public static Tensor LogStableMax(Tensor x, long dim)
    {
        using var scope = NewDisposeScope();
        return S(x).log().log_softmax(dim).MoveToOuterDisposeScope();
    }

    public static Tensor LogStableMaxInPlace(Tensor x, long dim)
    {
        using var scope = NewDisposeScope();
        return x.abs().log1p_().copysign_(x).log_softmax(dim).MoveToOuterDisposeScope();
    }

    /// <summary>As the paper's code states it, in float64: s by cases, the logarithm of its share, the target's, the mean.</summary>
    public static Tensor ReferenceStableMaxCrossEntropy(Tensor logits, Tensor target)
    {
        using var scope = NewDisposeScope();
        Tensor x = logits.to(ScalarType.Float64);
        Tensor s = where(x < 0, 1 / (1 - x + 1e-30), x + 1);
        Tensor logProbabilities = (s / s.sum(-1, keepdim: true)).log();
        return logProbabilities.gather(1, target.unsqueeze(1)).mean().neg().MoveToOuterDisposeScope();
    }

    /// <summary>g - (w . g / |w|^2) w, given back the norm of g, in place: dots and norms by BLAS, numbers that never leave the tensor.</summary>
    public static void PerpGrad(IEnumerable<Parameter> parameters)
    {
        using var noGrad = no_grad();
        foreach (Parameter parameter in parameters)
        {
            using var scope = NewDisposeScope();
            Tensor w = parameter.view(-1), grad = parameter.grad!, g = grad.view(-1);
            Tensor share = w.dot(g) / (w.dot(w) + 1e-30), norm = g.dot(g);
            g.addcmul_(w, share, -1);
            g.mul_((norm / (g.dot(g) + 1e-30)).sqrt_());
        }
    }

    private static Tensor S(Tensor x) => x.clamp_min(0) + (1 - x.clamp_max(0)).reciprocal();

    private static Tensor SInPlace(Tensor x) => x.clamp_max(0).neg_().add_(1).reciprocal_().add_(x.clamp_min(0));
}
