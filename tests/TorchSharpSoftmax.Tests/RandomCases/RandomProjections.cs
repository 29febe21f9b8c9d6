using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>Random cases of perpGrad in all its forms.</summary>
internal static class RandomProjections
{
    internal static IEnumerable<RandomFamily> Families => [new("perp_grad", Compare)];

    private static void Compare(RandomDraw draw, string what)
    {
        var dtype = draw.Dtype();
        int rank = draw.Random.Next(1, 5);
        long[] shape = [.. Enumerable.Range(0, rank).Select(i => draw.OneIn(80) ? 0 : draw.Size(1, rank < 3 ? 40 : 6))];
        if (draw.OneIn(10))
        {
            shape[^1] = draw.Size(100, 1100);
        }

        var granularity = draw.Of(PerpGradGranularity.Tensor, PerpGradGranularity.Row);
        bool rescale = draw.OneIn(2);
        var (eps, strength) = (draw.Of(1e-30, 0, 0.5), draw.Of(1, 1, 0.5, 0));
        var (w, g) = PerpGradTests.Pair(draw.Random, shape, dtype);
        (w, g) = (draw.Laid(w), draw.Laid(g));
        what = $"{what} {dtype} {Check.Text(shape)} strides {Check.Text(w.stride())} {Check.Text(g.stride())} {granularity}, rescale {rescale}, eps {eps}, strength {strength}";
        var actual = F.perp_projection(w, g, granularity, rescale, eps, strength);
        Assert.Equal(dtype, actual.dtype);
        Assert.Equal(shape, actual.shape);

        // the same numbers from the function whose gradient is projected, and where a parameter's gradient lies
        var leaf = w.detach().requires_grad_();
        autograd.backward(F.perp_grad(leaf, granularity, rescale, eps, strength), g);
        Near($"{what}, perp_grad", actual, leaf.grad!, w, g);
        if (w.numel() > 1)
        {
            var parameter = nn.Parameter(draw.OneIn(2) || ElementAccess.SharesElements(w) ? w.clone().contiguous() : ElementAccess.Twin(w));
            parameter.grad = g.clone().contiguous(); // of its own: it is written
            nn.utils.perp_grad_([parameter], granularity, rescale, eps, strength);
            Near($"{what}, perp_grad_", actual, parameter.grad!, w, g);
        }

        Exact(what, w, g, granularity, rescale, eps, strength, actual);
    }

    /// <summary>The formula in float64. What is left of a nearly parallel gradient is what rounding left of it, blown up to its norm.</summary>
    private static void Exact(
        string what, Tensor w, Tensor g, PerpGradGranularity granularity, bool rescale, double eps, double strength, Tensor actual)
    {
        if (w.numel() == 0)
        {
            return;
        }

        if (granularity == PerpGradGranularity.Row && w.ndim > 1)
        {
            for (long i = 0; i < w.size(0); i++)
            {
                using var scope = NewDisposeScope();
                Exact($"{what}, row {i}", w[i].reshape(-1), g[i].reshape(-1), PerpGradGranularity.Tensor, rescale, eps, strength, actual[i].reshape(-1));
            }

            return;
        }

        if (w.numel() == 1 && strength == 1)
        {
            Assert.All(ElementAccess.Values(actual), y => Assert.True(Math.Abs(y) <= (eps > 0.1 ? 2 : 0), $"{what}: {y} of one element."));
            return;
        }

        var exact = PerpGradTests.Formula(w, g, PerpGradGranularity.Tensor, rescale, eps, strength);
        var bare = PerpGradTests.Formula(w, g, PerpGradGranularity.Tensor, false, eps, strength);
        double blown = rescale ? g.to_type(ScalarType.Float64).norm().item<double>() / bare.norm().item<double>() : 1;
        if (blown < 1e3)
        {
            double units = actual.dtype == ScalarType.Float64 ? 16 + (w.numel() / 64.0) : 1; // the formula sums in float64 itself
            double length = g.to_type(ScalarType.Float64).norm().item<double>();
            bool isParallel = bare.norm().item<double>() <= 1.01 * Close.Epsilon(actual.dtype) * length; // up to rounding, as documented: nothing is left of it
            Close.Assert(what, exact, exact.to_type(actual.dtype), actual, (PerpGradTests.Size(w, g, exact) * Math.Max(1, blown)) + (isParallel ? length : 0), units);
        }
    }

    /// <summary>Sums are taken in memory's order, which differs between forms where strides do.</summary>
    private static void Near(string what, Tensor expected, Tensor actual, Tensor w, Tensor g)
    {
        double blown = w.numel() == 0 ? 1 : 1e3;
        Close.Assert(what, expected.to_type(ScalarType.Float64), expected, actual, PerpGradTests.Size(w, g, expected), actual.dtype == ScalarType.Float64 ? blown : 1);
    }
}
