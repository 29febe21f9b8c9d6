using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>Losses and gradients are those of libtorch's cross_entropy, on logits that have the link's probabilities: every option with every other.</summary>
public sealed class CrossEntropyTests
{
    private static readonly long[][] s_shapes = [[7], [1], [9, 7], [3, 1], [5, 113], [4, 7, 3], [2, 5, 3, 2], [0, 5], [3, 5, 0]];

    public static TheoryData<CrossEntropyLink, ScalarType> Grid
    {
        get
        {
            var grid = new TheoryData<CrossEntropyLink, ScalarType>();
            foreach (var link in CrossEntropyLoss.Links)
            {
                foreach (var dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16])
                {
                    grid.Add(link, dtype);
                }
            }

            return grid;
        }
    }

    [Theory]
    [MemberData(nameof(Grid))]
    public void Every_option_gives_the_loss_and_the_gradient_of_libtorch(CrossEntropyLink link, ScalarType dtype)
    {
        var random = new Random(3);
        foreach (var (i, loss) in CrossEntropyLoss.All(link).Index())
        {
            foreach (long[] shape in s_shapes.Where((_, k) => (i + (i / 3) + k) % 5 == 0)) // in turn
            {
                using var scope = NewDisposeScope();
                Compare(loss, OperatorContract.Logits(random, shape, dtype, 3), random);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Grid))]
    public void Transposed_sliced_and_expanded_logits_targets_and_gradients_are_read_as_they_lie(CrossEntropyLink link, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(4);
        var x = OperatorContract.Logits(random, [6, 5, 8], dtype, 3);
        Tensor[] layouts = [x.transpose(0, 2), x.transpose(1, 2), x.narrow(2, 1, 6), x.narrow(1, 1, 3), x.narrow(0, 2, 1).expand(6, 5, 8), x.select(2, 3), x.select(0, 0).t(), x[0, .., 2]];
        foreach (var loss in CrossEntropyLoss.All(link).Where((_, i) => i % 11 == 0))
        {
            foreach (var layout in layouts)
            {
                Compare(loss, layout, random, strideTargets: true);
            }
        }
    }

    /// <summary>Past every vector and every block of rows, on several threads too.</summary>
    [Theory]
    [InlineData(CrossEntropyLink.StableMax, 700, 113)]
    [InlineData(CrossEntropyLink.Softmax, 700, 113)]
    [InlineData(CrossEntropyLink.StableMax, 3, 32003)]
    [InlineData(CrossEntropyLink.Softmax, 3, 32003)]
    public void Many_rows_and_long_rows_are_as_exact_as_small_ones(CrossEntropyLink link, long rows, long classes)
    {
        using var scope = NewDisposeScope();
        var random = new Random(5);
        var x = OperatorContract.Logits(random, [rows, classes], ScalarType.Float32, 4);
        foreach (bool probabilities in (bool[])[false, true])
        {
            Compare(new(link, probabilities, Reduction: Reduction.None), x, random);
            Compare(new(link, probabilities, Weighted: true, Smoothing: 0.2), x, random);
        }
    }

    [Fact]
    public void The_number_of_threads_does_not_change_a_bit()
    {
        using var scope = NewDisposeScope();
        var random = new Random(6);
        var x = OperatorContract.Logits(random, [1031, 257], ScalarType.Float32, 4);
        int threads = get_num_threads();
        foreach (var link in CrossEntropyLoss.Links)
        {
            foreach (bool probabilities in (bool[])[false, true])
            {
                var loss = new CrossEntropyLoss(link, probabilities, Smoothing: 0.1);
                var target = loss.Targets(random, x);
                byte[][] results =
                [
                    .. from n in (int[])[1, 2, 3]
                       select WithThreads(n, () =>
                       {
                           var leaf = x.detach().requires_grad_();
                           var value = loss.Of(leaf, target);
                           value.backward();
                           return (byte[])[.. value.bytes, .. leaf.grad!.bytes];
                       }),
                ];
                Assert.Equal(results[0], results[1]);
                Assert.Equal(results[0], results[2]);
            }
        }

        byte[] WithThreads(int n, Func<byte[]> run)
        {
            try
            {
                set_num_threads(n);
                return run();
            }
            finally
            {
                set_num_threads(threads);
            }
        }
    }

    [Theory]
    [InlineData(CrossEntropyLink.StableMax)]
    [InlineData(CrossEntropyLink.Softmax)]
    public void Where_nothing_counts_a_mean_is_NaN_a_sum_0_and_every_gradient_0(CrossEntropyLink link)
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(7), [3, 5], ScalarType.Float32, 1);
        using var nan = full([3, 5], float.NaN);
        foreach (double smoothing in (double[])[0, 0.3])
        {
            foreach (var logits in (Tensor[])[x, nan])
            {
                foreach (var reduction in (Reduction[])[Reduction.Mean, Reduction.Sum, Reduction.None])
                {
                    var leaf = logits.detach().requires_grad_();
                    var value = new CrossEntropyLoss(link, false, Smoothing: smoothing, Reduction: reduction).Of(leaf, full([3], -100L, ScalarType.Int64));
                    Assert.All(ElementAccess.Values(value), v => Assert.Equal(reduction == Reduction.Mean ? double.NaN : 0, v));
                    autograd.backward(value, ones_like(value));
                    Assert.All(ElementAccess.Values(leaf.grad!), v => Assert.Equal(0, v));
                }
            }
        }
    }

    /// <summary>libtorch multiplies 0 by infinity there.</summary>
    [Theory]
    [InlineData(CrossEntropyLink.StableMax)]
    [InlineData(CrossEntropyLink.Softmax)]
    public void What_counts_with_exactly_0_counts_0_at_minus_infinity_too(CrossEntropyLink link)
    {
        using var scope = NewDisposeScope();
        var x = tensor([1f, float.NegativeInfinity, 0.5f, -2f, 0f, 3f], [2, 3]).requires_grad_();
        var shown = tensor([1f, 0.5f, -2f, 0f, 3f]);
        var target = tensor([0.75f, 0f, 0.25f, 0.2f, 0.5f, 0.3f], [2, 3]);
        var loss = new CrossEntropyLoss(link, true, Reduction: Reduction.None);
        double[] values = ElementAccess.Values(loss.Of(x, target));
        Assert.Equal(ElementAccess.Values(loss.OfLibtorch(shown.narrow(0, 0, 2), tensor([0.75f, 0.25f])))[0], values[0], 1e-6);
        Assert.True(double.IsNaN(ElementAccess.Values(loss.OfLibtorch(x, target))[0]));
        loss.Of(x, target).sum().backward();
        double[] gradient = ElementAccess.Values(x.grad!);
        Assert.Equal(0, gradient[1]);
        Assert.All(gradient, g => Assert.True(double.IsFinite(g)));

        var weighted = new CrossEntropyLoss(link, false, Smoothing: 0.1, Reduction: Reduction.None);
        double[] costs = ElementAccess.Values(weighted.Of(x, tensor([0L, 1L]), tensor([1f, 0f, 2f])));
        Assert.All(costs, c => Assert.True(double.IsFinite(c) && c >= 0));

        var learned = target.detach().requires_grad_();
        (loss with { Weighted = true }).Of(x.detach(), learned, tensor([1f, 0f, 2f])).sum().backward();
        Assert.All(ElementAccess.Values(learned.grad!), g => Assert.True(double.IsFinite(g)));
        Assert.Equal(0, ElementAccess.Values(learned.grad!)[1]);
    }

    [Theory]
    [InlineData(CrossEntropyLink.StableMax)]
    [InlineData(CrossEntropyLink.Softmax)]
    public void Masks_NaN_and_infinities_give_what_libtorch_gives(CrossEntropyLink link)
    {
        double infinity = double.PositiveInfinity;
        foreach (var dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16])
        {
            foreach (int n in (int[])[1, 2, 19])
            {
                foreach (double edge in (double[])[-infinity, infinity, double.NaN])
                {
                    foreach (int every in (int[])[1, 2, 100])
                    {
                        using var scope = NewDisposeScope();
                        double[] row = [.. Enumerable.Range(0, n).Select(i => i % every == 0 ? edge : Math.Sin(i))];
                        var x = tensor([.. row, .. row.Select((_, i) => Math.Cos(i))], [2, n], ScalarType.Float64).to_type(dtype);
                        foreach (long y in (long[])[0, n - 1])
                        {
                            foreach (double smoothing in (double[])[0, 0.2])
                            {
                                AssertEdge(new(link, false, Smoothing: smoothing, Reduction: Reduction.None), x, y, $"{dtype} {edge} {every} of {n}, target {y}");
                            }
                        }
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(CrossEntropyLink.StableMax)]
    [InlineData(CrossEntropyLink.Softmax)]
    public void Probabilities_of_another_dtype_are_promoted_as_in_libtorch(CrossEntropyLink link)
    {
        using var scope = NewDisposeScope();
        var random = new Random(8);
        var loss = new CrossEntropyLoss(link, true);
        var x = OperatorContract.Logits(random, [4, 6], ScalarType.Float32, 2);
        var target = loss.Targets(random, x);
        var leaf = x.detach().requires_grad_();
        var value = loss.Of(leaf, target.to_type(ScalarType.Float64));
        Assert.Equal(loss.OfLibtorch(x, target.to_type(ScalarType.Float64)).dtype, value.dtype);
        Assert.Equal(loss.OfLibtorch(x.to_type(ScalarType.Float64), target.to_type(ScalarType.Float64)).item<double>(), value.item<double>(), 1e-14);
        value.backward();
        Assert.Equal(ScalarType.Float32, leaf.grad!.dtype);
    }

    [Theory]
    [InlineData(CrossEntropyLink.StableMax)]
    [InlineData(CrossEntropyLink.Softmax)]
    public void A_weight_beside_probabilities_has_its_gradient(CrossEntropyLink link)
    {
        using var scope = NewDisposeScope();
        var random = new Random(9);
        var loss = new CrossEntropyLoss(link, true, Weighted: true, Smoothing: 0.1);
        var x = OperatorContract.Logits(random, [4, 6], ScalarType.Float64, 2).requires_grad_();
        var weight = loss.Weights(random, x)!.requires_grad_();
        Assert.True(torch.autograd.gradcheck(inputs => loss.Of(inputs[0], loss.Targets(new Random(1), x), inputs[1]), [x, weight]));
    }

    [Fact]
    public void Modules_are_the_functions_with_their_options_kept()
    {
        using var scope = NewDisposeScope();
        var random = new Random(10);
        var x = OperatorContract.Logits(random, [6, 5], ScalarType.Float32, 2);
        var target = tensor([0L, 4L, 2L, 2L, 1L, 3L]);
        var weight = tensor([1f, 0.5f, 2f, 0.25f, 3f]);
        using var stable = torch.nn.StableMaxCrossEntropyLoss(weight, 2, Reduction.Sum, 0.1);
        using Modules.CollapseFreeCrossEntropyLoss soft = nn.CollapseFreeCrossEntropyLoss(weight, ignore_index: 2, label_smoothing: 0.1);
        using var plain = nn.StableMaxCrossEntropyLoss();
        Assert.Equal((2, 0.1, Reduction.Sum), (stable.ignore_index, stable.label_smoothing, stable.reduction));
        Assert.Equal(
            (null, 0, Reduction.Mean, null as Tensor), (plain.ignore_index, plain.label_smoothing, plain.reduction, plain.weight));
        Assert.Equal(F.stablemax_cross_entropy(x, target, weight, 2, Reduction.Sum, 0.1).item<float>(), stable.call(x, target).item<float>());
        Assert.Equal(F.collapse_free_cross_entropy(x, target, weight, 2, Reduction.Mean, 0.1).item<float>(), soft.call(x, target).item<float>());
        Assert.Equal(F.stablemax_cross_entropy(x, target).item<float>(), plain.call(x, target).item<float>());
    }

    /// <summary>TorchSharp's own loss does not move its weight either.</summary>
    [Fact]
    public void A_modules_weight_moves_as_little_as_that_of_TorchSharps_loss()
    {
        using var scope = NewDisposeScope();
        using var theirs = new TorchSharp.Modules.CrossEntropyLoss(ones(3));
        using var ours = nn.StableMaxCrossEntropyLoss(ones(3));
        using var softmax = nn.CollapseFreeCrossEntropyLoss(ones(3));
        foreach (var module in (WeightedLoss<Tensor, Tensor, Tensor>[])[theirs, ours, softmax])
        {
            module.to(ScalarType.Float64);
            Assert.Equal((ScalarType.Float32, 0, 0), (module.weight!.dtype, module.named_buffers().Count(), module.state_dict().Count));
        }
    }

    internal static void Compare(CrossEntropyLoss loss, Tensor x, Random random, bool strideTargets = false, string run = "")
    {
        using var scope = NewDisposeScope();
        string what = $"{run} {loss}, {x.dtype} {Check.Text(x.shape)}".TrimStart();
        var (target, weight) = (loss.Targets(random, x), loss.Weights(random, x));
        var target64 = loss.Probabilities ? target.to_type(ScalarType.Float64) : target;
        var x64 = x.detach().to_type(ScalarType.Float64).requires_grad_();
        var exact = loss.OfLibtorch(x64, target64, weight?.to_type(ScalarType.Float64));
        var leaf = x.detach().requires_grad_();
        if (strideTargets && target.ndim > 0)
        {
            target = stack([target, target * 0], -1).select(-1, 0);
        }

        var value = loss.Of(leaf, target, weight);
        Assert.Equal(x.dtype, value.dtype);
        var dy = SoftmaxOperator.Upstream(value, random);
        if (strideTargets && dy.ndim > 0 && dy.size(0) > 0)
        {
            dy = dy.narrow(0, 0, 1).expand(dy.shape);
        }

        var dy64 = dy.to_type(ScalarType.Float64);
        autograd.backward(exact, dy64);
        autograd.backward(value, dy);

        // libtorch's side of a 16-bit type: float32, rounded
        var near = x.detach().to_type(Dtype.ArithmeticOf(x.dtype)).requires_grad_();
        var theirs = loss.OfLibtorch(near, loss.Probabilities ? target.to_type(near.dtype) : target.contiguous(), weight?.to_type(near.dtype));
        autograd.backward(theirs, dy.to_type(near.dtype));
        double units = x.dtype switch { ScalarType.Float64 => 64, ScalarType.Float32 => 12, _ => 1 }; // float64 is compared with float64 itself
        var size = exact.detach().abs().nan_to_num(0, 0, 0);
        if (x.dtype == ScalarType.Float64 && x.numel() > 0)
        {
            size += (1 + x.detach().abs().max()) * (loss.Reduction == Reduction.Sum ? x.size(0) : 1); // libtorch's own answer is a difference of such numbers
        }

        Close.Assert(what, exact.detach(), theirs.detach().to_type(x.dtype), value.detach(), size, units);
        if (x.numel() > 0)
        {
            var scale = loss.GradientScale(x64.detach(), x64.grad!, weight, dy64, x.dtype);
            Close.Assert($"{what}, gradient", x64.grad!, near.grad!.to_type(x.dtype), leaf.grad!, scale, units);
        }
    }

    /// <summary>The class of each number, and the numbers of the row that has no edge; StableMax's composed gradient at -infinity is compared nowhere, ours is 0.</summary>
    private static void AssertEdge(CrossEntropyLoss loss, Tensor x, long y, string what)
    {
        var target = tensor([y, y]);
        var (leaf, theirLeaf) = (x.detach().requires_grad_(), x.detach().to_type(ScalarType.Float64).requires_grad_());
        var (value, theirs) = (loss.Of(leaf, target), loss.OfLibtorch(theirLeaf, target));
        AssertClasses($"loss, {what}", ElementAccess.Values(theirs), ElementAccess.Values(value), x.dtype);
        autograd.backward(value, ones_like(value));
        autograd.backward(theirs, ones_like(theirs));
        double[] expected = ElementAccess.Values(theirLeaf.grad!), logits = ElementAccess.Values(x), losses = ElementAccess.Values(value);
        for (int i = 0; loss.Link == CrossEntropyLink.StableMax && i < expected.Length; i++)
        {
            if (double.IsNegativeInfinity(logits[i]) && !double.IsNaN(losses[2 * i / expected.Length]))
            {
                expected[i] = 0;
            }
        }

        AssertClasses($"gradient, {what}, smoothing {loss.Smoothing}", expected, ElementAccess.Values(leaf.grad!), x.dtype);
    }

    private static void AssertClasses(string what, double[] expected, double[] actual, ScalarType dtype)
    {
        double tolerance = 4 * Close.Epsilon(dtype);
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = double.IsFinite(expected[i]) ? Math.Abs(expected[i] - actual[i]) <= tolerance * (1 + Math.Abs(expected[i])) : expected[i].Equals(actual[i]);
            Assert.True(same, $"{what}: [{i}] is {actual[i]}, {expected[i]} in libtorch.");
        }
    }
}
