using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>What perpGrad and the metrics refuse: the argument's name, what it has, what is required, before anything is done.</summary>
public sealed class PerpGradRefusalTests
{
    [Fact]
    public void Options_that_are_none()
    {
        using var scope = NewDisposeScope();
        var w = ones(2, 3);
        var parameter = PerpGradTests.With(w, w);
        const string eps = "'eps' is -1; 0 or more is required.", strength = "'strength' is 1.5; 0 to 1 is required.", granularity = "'granularity' is 7; Tensor, Row or Global is required.";
        foreach (var form in (Action<PerpGradGranularity, double, double>[])[
            (kind, e, s) => F.perp_grad(w, kind, eps: e, strength: s),
            (kind, e, s) => F.perp_projection(w, w, kind, eps: e, strength: s),
            (kind, e, s) => nn.utils.perp_grad_([parameter], kind, eps: e, strength: s),
            (kind, e, s) => optim.PerpGrad(optim.SGD([parameter], 1), kind, eps: e, strength: s)])
        {
            Refuses<ArgumentOutOfRangeException>("eps", eps, () => form(PerpGradGranularity.Tensor, -1, 1));
            Refuses<ArgumentOutOfRangeException>("eps", "'eps' is NaN;", () => form(PerpGradGranularity.Tensor, double.NaN, 1));
            Refuses<ArgumentOutOfRangeException>("strength", strength, () => form(PerpGradGranularity.Row, 0, 1.5));
            Refuses<ArgumentOutOfRangeException>("strength", "'strength' is NaN;", () => form(PerpGradGranularity.Row, 0, double.NaN));
            Refuses<ArgumentOutOfRangeException>("granularity", granularity, () => form((PerpGradGranularity)7, 0, 1));
        }

        const string global = "'granularity' is Global; Tensor or Row is required of a function of one tensor";
        Refuses<ArgumentException>("granularity", global, () => F.perp_grad(w, PerpGradGranularity.Global));
        Refuses<ArgumentException>("granularity", global, () => F.perp_projection(w, w, PerpGradGranularity.Global));
    }

    [Fact]
    public void Tensors_that_have_no_projection()
    {
        using var scope = NewDisposeScope();
        Tensor w = ones(2, 3), integers = ones([2, 3], ScalarType.Int64), complex = ones([2, 3], ScalarType.ComplexFloat32), disposed = ones(2, 3);
        disposed.Dispose();
        Refuses<ArgumentException>("weight", "'weight' has dtype Int64; a floating dtype is required.", () => F.perp_grad(integers));
        Refuses<ArgumentException>("weight", "'weight' has dtype ComplexFloat32; a floating dtype is required.", () => F.perp_projection(complex, w));
        Refuses<ArgumentException>("grad", "'grad' has dtype Int64; a floating dtype is required.", () => F.perp_projection(w, integers));
        Refuses<ArgumentException>("grad", "'grad' has dtype Float64; Float32 is required.", () => F.perp_projection(w, ones([2, 3], ScalarType.Float64)));
        Refuses<ArgumentException>("grad", "'grad' has shape [3, 2]; [2, 3] is required.", () => F.perp_projection(w, ones(3, 2)));
        Refuses<ArgumentException>("grad", "'grad' has been disposed; a live tensor is required.", () => F.perp_projection(w, disposed));
        Refuses<ArgumentNullException>("weight", "'weight' is null; a tensor is required.", () => F.perp_grad(null!));
        Refuses<ArgumentException>("grad", "'grad' is sparse; a dense tensor is required.", () => F.perp_projection(w, Sparse()));
    }

    [Fact]
    public void Parameters_by_their_place_and_before_any_gradient_is_written()
    {
        using var scope = NewDisposeScope();
        var (w, g) = PerpGradTests.Pair(new Random(1), [2, 3], ScalarType.Float32);
        Parameter good = PerpGradTests.With(w, g), sparse = nn.Parameter(w.clone()), expanded = nn.Parameter(w.clone()), disposed = nn.Parameter(w.clone());
        sparse.grad = Sparse();
        expanded.grad = ones(2, 1).expand(2, 3);
        disposed.Dispose();
        Refuses<ArgumentException>(
            "parameters[1].grad", "'parameters[1].grad' is sparse; a dense tensor is required.", () => nn.utils.perp_grad_([good, sparse]));
        Refuses<ArgumentException>(
            "parameters[1].grad", "'parameters[1].grad' has stride 0 in dimension 1, several elements in one place;", () => nn.utils.perp_grad_([good, expanded]));
        Refuses<ArgumentException>("parameters[1]", "'parameters[1]' has been disposed;", () => nn.utils.perp_grad_([good, disposed]));
        Refuses<ArgumentNullException>("parameters[1]", "'parameters[1]' is null;", () => nn.utils.perp_grad_([good, null!]));
        Refuses<ArgumentNullException>("parameters", "'parameters' is null; a sequence of parameters is required.", () => nn.utils.perp_grad_(null!));
        Assert.Equal(ElementAccess.Values(g), ElementAccess.Values(good.grad!));
        nn.utils.perp_grad_([good, sparse], filter: parameter => !ReferenceEquals(parameter, sparse)); // not asked for: not looked at
        Assert.NotEqual(ElementAccess.Values(g), ElementAccess.Values(good.grad!));
    }

    [Fact]
    public void Optimizers_that_the_wrapper_cannot_wrap()
    {
        using var scope = NewDisposeScope();
        var parameter = nn.Parameter(ones(2, 3));
        using var lbfgs = optim.LBFGS([parameter]);
        using var perpGrad = optim.PerpGrad(optim.SGD([parameter], 1));
        Refuses<ArgumentException>("inner", "'inner' is an LBFGS, which evaluates the closure several times in a step;", () => optim.PerpGrad(lbfgs));
        Refuses<ArgumentException>("inner", "'inner' is a PerpGrad, which would project twice;", () => optim.PerpGrad(perpGrad));
        Refuses<ArgumentNullException>("inner", "'inner' is null; an optimizer is required.", () => optim.PerpGrad(null!));
    }

    [Fact]
    public void Metrics_of_what_has_none()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(2, 3), integers = ones([2, 3], ScalarType.Int64);
        Refuses<ArgumentException>("logits", "'logits' has dtype Int64; a floating dtype is required.", () => nn.utils.softmax_collapse_fraction(integers));
        Refuses<ArgumentException>("logits", "'logits' has dtype Int64;", () => nn.utils.softmax_collapse_fraction(integers, ScalarType.Float32));
        Refuses<ArgumentException>("dtype", "'dtype' is Int32; a floating dtype is required.", () => nn.utils.softmax_collapse_fraction(x, ScalarType.Int32));
        Refuses<ArgumentException>("logits", "'logits' has 0 dimensions;", () => nn.utils.softmax_collapse_fraction(tensor(1f)));
        Refuses<ArgumentException>("logits", "'logits' has shape [2, 0]; at least one class is required.", () => nn.utils.softmax_collapse_fraction(ones(2, 0)));
        Refuses<ArgumentException>("losses", "'losses' has dtype Int64;", () => nn.utils.zero_loss_fraction(integers));
        Refuses<ArgumentNullException>("target", "'target' is null;", () => nn.utils.zero_loss_fraction(x, null!));
        Refuses<ArgumentNullException>("parameters", "'parameters' is null;", () => nn.utils.naive_loss_minimization_cosine((IEnumerable<Parameter>)null!));
    }

    [Fact]
    public void A_refusal_leaves_no_node_and_no_tensor_behind()
    {
        using var scope = NewDisposeScope();
        var (w, g) = PerpGradTests.Pair(new Random(1), [2, 3], ScalarType.Float32);
        Parameter good = PerpGradTests.With(w, g), sparse = nn.Parameter(w.clone());
        sparse.grad = Sparse();
        var leaf = w.clone().requires_grad_();
        var (nodes, tensors) = Live.Counts();
        for (int i = 0; i < 100; i++)
        {
            Assert.Throws<ArgumentException>(() => nn.utils.perp_grad_([good, sparse]));
            Assert.Throws<ArgumentOutOfRangeException>(() => F.perp_grad(leaf, eps: -1));
        }

        Assert.Equal((nodes, tensors), (Live.Nodes, Tensor.TotalCount));
    }

    private static Tensor Sparse() => tensor(new float[] { 0, 1, 0, 2, 0, 3 }, [2, 3]).to_sparse();

    private static void Refuses<TException>(string argument, string message, Action action) where TException : ArgumentException
    {
        var refusal = Assert.ThrowsAny<TException>(action);
        Assert.Equal(argument, refusal.ParamName);
        Assert.StartsWith(message, refusal.Message, StringComparison.Ordinal);
    }
}
