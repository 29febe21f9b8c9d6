using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>
/// What users without this library write: libtorch's operators, in the fastest of a dozen orders tried, for a forward by itself in place.
/// </summary>
internal static class Composition
{
    /// <summary>s(x) / sum(s(x)), with s(x) = max(x, 0) + 1 / (1 - min(x, 0)).</summary>
    public static Tensor StableMaxInPlace(Tensor x, long dim)
    {
        using var scope = NewDisposeScope();
        Tensor s = S(x);
        return s.div_(s.sum(dim, keepdim: true)).MoveToOuterDisposeScope();
    }

    public static Tensor LogStableMaxInPlace(Tensor x, long dim)
    {
        using var scope = NewDisposeScope();
        Tensor s = S(x), logOfSum = s.sum(dim, keepdim: true).log_();
        return s.log_().sub_(logOfSum).MoveToOuterDisposeScope();
    }

    /// <summary>softmax(log s(x)): with a backward the fewer operators are faster, and softmax's is fused.</summary>
    public static Tensor StableMax(Tensor x, long dim)
    {
        using var scope = NewDisposeScope();
        return LogS(x).softmax(dim).MoveToOuterDisposeScope();
    }

    public static Tensor LogStableMax(Tensor x, long dim)
    {
        using var scope = NewDisposeScope();
        return LogS(x).log_softmax(dim).MoveToOuterDisposeScope();
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

    private static Tensor S(Tensor x) => x.clamp_max(0).neg_().add_(1).reciprocal_().add_(x.clamp_min(0));

    private static Tensor LogS(Tensor x) => x.sign() * x.abs().log1p();
}
