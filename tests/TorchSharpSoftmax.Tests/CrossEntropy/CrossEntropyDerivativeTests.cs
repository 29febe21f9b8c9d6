using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>First and second derivatives by logits, by probabilities and by the upstream gradient, against differences.</summary>
public sealed class CrossEntropyDerivativeTests
{
    public static TheoryData<CrossEntropyLink, int> Cases
    {
        get
        {
            var cases = new TheoryData<CrossEntropyLink, int>();
            foreach (var link in CrossEntropyLoss.Links)
            {
                for (int i = 0; i < 6; i++)
                {
                    cases.Add(link, i);
                }
            }

            return cases;
        }
    }

    /// <summary>Every option with every other, dealt out over the shapes.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void First_and_second_derivatives_pass_gradcheck(CrossEntropyLink link, int part)
    {
        long[][] shapes = [[4], [3, 4], [2, 3, 2]];
        foreach (var (i, loss) in CrossEntropyLoss.Pairs(link).Index().Where(pair => pair.Index % 6 == part))
        {
            using var scope = NewDisposeScope();
            var random = new Random(i);
            var x = AwayFromZero(OperatorContract.Logits(random, shapes[i / 3 % 3], ScalarType.Float64, 1.5)).requires_grad_();
            var (target, weight) = (loss.Targets(random, x), loss.Weights(random, x));
            if (loss.Probabilities)
            {
                target.requires_grad_();
            }

            Tensor[] inputs = loss.Probabilities ? [x, target] : [x];
            Tensor Function(Tensor[] t) => loss.Of(t[0], loss.Probabilities ? t[1] : target, weight);
            Assert.True(torch.autograd.gradcheck(Function, inputs, check_grad_dtypes: true));
            Assert.True(torch.autograd.gradgradcheck(Function, inputs, check_grad_dtypes: true));
        }
    }

    /// <summary>dt = -log(p), rounded once to what it is stored in.</summary>
    [Theory]
    [InlineData(CrossEntropyLink.StableMax, ScalarType.Float16)]
    [InlineData(CrossEntropyLink.Softmax, ScalarType.Float16)]
    [InlineData(CrossEntropyLink.StableMax, ScalarType.BFloat16)]
    [InlineData(CrossEntropyLink.Softmax, ScalarType.BFloat16)]
    public void Probabilities_of_16_bits_have_their_gradient(CrossEntropyLink link, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var x = randn(5, 7).to_type(dtype);
        var target = rand(5, 7).to_type(dtype).requires_grad_();
        var (x64, target64) = (x.to_type(ScalarType.Float64), target.detach().to_type(ScalarType.Float64).requires_grad_());
        CrossEntropyLosses.Of(link, x, target, null, -100, Reduction.Sum, 0).backward();
        CrossEntropyLosses.Of(link, x64, target64, null, -100, Reduction.Sum, 0).backward();
        double eps = Close.Epsilon(dtype);
        Assert.Equal(ElementAccess.Values(target64.grad!), ElementAccess.Values(target.grad!), (e, a) => Math.Abs(e - a) <= eps * Math.Abs(e));
    }

    [Theory]
    [InlineData(CrossEntropyLink.StableMax)]
    [InlineData(CrossEntropyLink.Softmax)]
    public void Derivatives_of_strided_logits_pass_gradcheck(CrossEntropyLink link)
    {
        using var scope = NewDisposeScope();
        var x = AwayFromZero(OperatorContract.Logits(new Random(12), [4, 3, 2], ScalarType.Float64, 1));
        foreach (var view in (Tensor[])[x.transpose(0, 1), x.narrow(1, 1, 2), x.select(2, 1)])
        {
            foreach (var reduction in (Reduction[])[Reduction.Mean, Reduction.None])
            {
                var loss = new CrossEntropyLoss(link, false, Smoothing: 0.1, Reduction: reduction);
                var target = loss.Targets(new Random(1), view);
                Assert.True(torch.autograd.gradcheck(t => loss.Of(t, target), view.detach().requires_grad_()));
                Assert.True(torch.autograd.gradgradcheck(t => loss.Of(t, target), view.detach().requires_grad_(), gen_non_contig_grad_outputs: reduction == Reduction.None));
            }
        }
    }

    /// <summary>The HVP at a mask: finite, and 0 for StableMax's masked logit.</summary>
    [Theory]
    [InlineData(CrossEntropyLink.StableMax)]
    [InlineData(CrossEntropyLink.Softmax)]
    public void Second_derivatives_beside_a_mask_are_those_without_the_masked_class(CrossEntropyLink link)
    {
        using var scope = NewDisposeScope();
        var loss = new CrossEntropyLoss(link, false);
        double[] shown = [0.5, -1.5, 2.5], masked = [0.5, double.NegativeInfinity, -1.5, 2.5];
        double[] Twice(double[] row, long y)
        {
            var x = tensor(row).requires_grad_();
            autograd.backward(loss.Of(x, tensor(y)), create_graph: true);
            var first = x.grad!;
            x.grad = null;
            (first * first).sum().backward();
            return ElementAccess.Values(x.grad!);
        }

        double[] expected = Twice(shown, 2), actual = Twice(masked, 3);
        Assert.Equal([expected[0], 0, expected[1], expected[2]], actual, (e, a) => Math.Abs(e - a) <= 1e-15);
    }

    [Theory]
    [InlineData(CrossEntropyLink.StableMax, ScalarType.Float32)]
    [InlineData(CrossEntropyLink.StableMax, ScalarType.BFloat16)]
    [InlineData(CrossEntropyLink.Softmax, ScalarType.Float64)]
    [InlineData(CrossEntropyLink.Softmax, ScalarType.Float16)]
    public void The_first_derivative_under_create_graph_is_the_same_bit_for_bit(CrossEntropyLink link, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(13);
        foreach (var loss in CrossEntropyLoss.All(link).Where((_, i) => i % 7 == 0))
        {
            var x = OperatorContract.Logits(random, [5, 37, 3], dtype, 5);
            var (target, weight) = (loss.Targets(random, x), loss.Weights(random, x));
            Tensor plain = x.detach().requires_grad_(), graphed = x.detach().requires_grad_();
            var dy = SoftmaxOperator.Upstream(loss.Of(x, target, weight), random);
            autograd.backward(loss.Of(plain, target, weight), dy);
            autograd.backward(loss.Of(graphed, target, weight), dy, create_graph: true);
            var withGraph = graphed.grad!;
            graphed.grad = null;
            Assert.True(withGraph.requires_grad);
            Assert.Equal(plain.grad!.contiguous().bytes.ToArray(), withGraph.contiguous().bytes.ToArray());
        }
    }

    /// <summary>s'' jumps at 0.</summary>
    private static Tensor AwayFromZero(Tensor x) => x + (x.sign() * 0.05);
}
