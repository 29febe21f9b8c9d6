using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>An operator of the family beside libtorch's own, and how errors of its values and gradients scale.</summary>
public sealed class SoftmaxOperator
{
    private SoftmaxOperator(
        string name, Func<Tensor, int, SoftmaxAlgorithm, Tensor> actual, Func<Tensor, int, Tensor> libtorch, Func<Tensor, Tensor, int, Tensor> scale,
        Func<Tensor, Tensor, Tensor, int, Tensor> gradientScale)
    {
        (Name, Actual, Libtorch, Scale, GradientScale) = (name, actual, libtorch, scale, gradientScale);
    }

    public static SoftmaxOperator[] All { get; } =
    [
        // exp(x - max) carries the rounding of x - max, which is as large as -log y
        new(
            "softmax",
            (x, dim, algorithm) => torch.nn.functional.two_pass_softmax(x, dim, algorithm: algorithm),
            (x, dim) => x.softmax(dim),
            (x, y, dim) => y * (1 + y.log().abs()).nan_to_num(0, 0, 0),
            (x, y, dy, dim) => (y * (dy.abs() + (dy * y).abs().sum(dim, keepdim: true))) * (1 + y.log().abs()).nan_to_num(0, 0, 0)),

        // x - lse cancels: its error is that of its terms
        new(
            "log_softmax",
            (x, dim, algorithm) => torch.nn.functional.two_pass_log_softmax(x, dim, algorithm: algorithm),
            (x, dim) => x.log_softmax(dim),
            (x, y, dim) => (1 + x.abs() + y.abs()).nan_to_num(0, 0, 0),
            (x, y, dy, dim) => dy.abs() + (y.exp() * (1 + y.abs() + x.abs())).nan_to_num(0, 0, 0) * dy.abs().sum(dim, keepdim: true)),
        new(
            "logsumexp",
            (x, dim, algorithm) => torch.nn.functional.two_pass_logsumexp(x, dim),
            (x, dim) => x.logsumexp(dim),
            (x, y, dim) => 1 + y.abs() + Math.Log(Math.Max(1, x.ndim == 0 ? 1 : x.size(dim))),
            (x, y, dy, dim) => x.ndim == 0 ? dy.abs() : LogSumExpGradientScale(x, y.unsqueeze(dim), dy.unsqueeze(dim)))
        {
            SavesItsOutput = false,
        },

        // libtorch has no StableMax: its softmax of sign(x) log(1 + |x|) carries the rounding of the logarithm, in float64 too
        new(
            "stablemax",
            (x, dim, algorithm) => torch.nn.functional.stablemax(x, dim),
            StableMaxComposed.StableMax,
            (x, y, dim) => (y * (1 + (1 + x.abs()).log() + y.log().abs())).nan_to_num(0, 0, 0),
            (x, y, dy, dim) => (y * (1 + (1 + x.abs()).log() + y.log().abs()) * (dy.abs() + (dy * y).abs().sum(dim, keepdim: true)) / (1 + x.abs())).nan_to_num(0, 0, 0))
        {
            SavesItsOutput = false,
            HasSmallTerms = true,
            Algorithms = [SoftmaxAlgorithm.Auto],
        },
        new(
            "log_stablemax",
            (x, dim, algorithm) => torch.nn.functional.log_stablemax(x, dim),
            StableMaxComposed.LogStableMax,
            (x, y, dim) => (1 + (1 + x.abs()).log() + y.abs()).nan_to_num(0, 0, 0),
            (x, y, dy, dim) => ((dy.abs() + y.exp() * (1 + y.abs() + (1 + x.abs()).log()) * dy.abs().sum(dim, keepdim: true)) / (1 + x.abs())).nan_to_num(0, 0, 0))
        {
            SavesItsOutput = false,
            HasSmallTerms = true,
            Algorithms = [SoftmaxAlgorithm.Auto],
        },
    ];

    public string Name { get; }

    /// <summary>Those that the operator can be told to take.</summary>
    public SoftmaxAlgorithm[] Algorithms { get; private init; } = [SoftmaxAlgorithm.Auto, SoftmaxAlgorithm.TwoPass, SoftmaxAlgorithm.ThreePass];

    /// <summary>The same without Auto, which is one of the others.</summary>
    public IEnumerable<SoftmaxAlgorithm> DistinctAlgorithms => Algorithms.Skip(Algorithms.Length > 1 ? 1 : 0);

    /// <summary>A saved output is rounded to the dtype before the derivative sees it.</summary>
    public bool SavesItsOutput { get; private init; } = true;

    public Func<Tensor, int, SoftmaxAlgorithm, Tensor> Actual { get; }

    public Func<Tensor, int, Tensor> Libtorch { get; }

    /// <summary>Whether masks as users write them are terms too: libtorch adds one by one, and n small terms to a large one may cost it n / 2 roundings.</summary>
    public bool HasSmallTerms { get; private init; }

    /// <summary>From float64 x and y.</summary>
    public Func<Tensor, Tensor, int, Tensor> Scale { get; }

    /// <summary>From float64 x, y and dy.</summary>
    public Func<Tensor, Tensor, Tensor, int, Tensor> GradientScale { get; }

    /// <summary>Values and gradient of one input against libtorch.</summary>
    /// <param name="what">For the failure text.</param>
    /// <param name="x">The input, of any layout.</param>
    /// <param name="dim">The dim.</param>
    /// <param name="algorithm">The algorithm to force.</param>
    /// <param name="random">Draws the upstream gradient.</param>
    public void Check(string what, Tensor x, int dim, SoftmaxAlgorithm algorithm, Random random)
    {
        using var scope = NewDisposeScope();
        what = $"{what}, {Name}, dim {dim}, {algorithm}";
        int axis = dim < 0 ? dim + Math.Max(1, (int)x.ndim) : dim;

        var x64 = x.detach().to_type(ScalarType.Float64).requires_grad_();
        var y64 = Libtorch(x64, axis);
        var actualInput = x.detach().requires_grad_();
        var y = Actual(actualInput, dim, algorithm);
        var scale = Scale(x64.detach(), y64.detach(), axis);
        double units = Units(x.dtype);
        if (HasSmallTerms && x.dtype == ScalarType.Float64 && x.ndim > 0)
        {
            units += x.size(axis) / 2.0;
        }

        Close.Assert(what, y64, OfLibtorch(x, t => Libtorch(t, axis)), y, scale, units);
        if (x.numel() == 0)
        {
            return;
        }

        var dy = Upstream(y, random);
        var dy64 = dy.to_type(ScalarType.Float64);
        autograd.backward(y64, dy64);
        autograd.backward(y, dy);
        var libtorchGradient = OfLibtorch(x, t =>
        {
            var leaf = t.detach().requires_grad_();
            autograd.backward(Libtorch(leaf, axis), dy.to_type(t.dtype));
            return leaf.grad!;
        });
        var gradientScale = GradientScale(x64.detach(), y64.detach(), dy64, axis);
        if (SavesItsOutput)
        {
            gradientScale = gradientScale * 2;
        }

        Close.Assert($"{what}, gradient", x64.grad!, libtorchGradient, actualInput.grad!, gradientScale, units);
    }

    public static SoftmaxOperator Named(string name) => All.Single(op => op.Name == name);

    public override string ToString() => Name;

    /// <summary>Random in every element, with both signs: a gradient of ones hides errors in the sums.</summary>
    internal static Tensor Upstream(Tensor y, Random random)
    {
        var values = new double[y.numel()];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = random.NextDouble() * 2 - 0.9;
        }

        return ElementAccess.FromValues(values, y);
    }

    // dy * exp(x - lse): the exponential amplifies the rounding of its argument
    private static Tensor LogSumExpGradientScale(Tensor x, Tensor lse, Tensor dy) =>
        (dy.abs() * (x - lse).exp() * (1 + x.abs() + lse.abs())).nan_to_num(0, 0, 0);

    // Roundings of one result, with room for sums of a few hundred terms; 16-bit results are rounded once, from float. What float64 is compared with is float64
    // itself, so both may be off: libtorch's softmax of 297 rows by 17 eps where ours, beside 50 digits, is off by 0.1.
    private static double Units(ScalarType dtype) => dtype switch
    {
        ScalarType.Float64 => 32,
        ScalarType.Float32 => 8,
        _ => 1,
    };

    /// <summary>
    /// libtorch's side. It has no float16 softmax on the CPU (1.13): float32, rounded. Its bfloat16 log_softmax along columns is infinite at masks of -1e4, where float32 is not: float32 where either is no number.
    /// </summary>
    private static Tensor OfLibtorch(Tensor x, Func<Tensor, Tensor> f)
    {
        if (x.dtype is not (ScalarType.Float16 or ScalarType.BFloat16))
        {
            return f(x.detach());
        }

        var rounded = f(x.detach().to_type(ScalarType.Float32)).to_type(x.dtype);
        if (x.dtype == ScalarType.Float16)
        {
            return rounded;
        }

        var own = f(x.detach());
        return where(own.isfinite().logical_and(rounded.isfinite()), own, rounded);
    }
}
