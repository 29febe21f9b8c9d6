using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>perpGrad's derivatives: those of the projection by gradcheck, those of the autograd function by what it promises.</summary>
public sealed class PerpGradDerivativeTests
{
    public static TheoryData<PerpGradGranularity, bool, double, double> Options => PerpGradTests.Options;

    [Theory]
    [MemberData(nameof(Options))]
    public void The_projections_first_and_second_derivatives_pass_gradcheck(PerpGradGranularity granularity, bool rescale, double eps, double strength)
    {
        using var scope = NewDisposeScope();
        foreach (long[] shape in (long[][])[[4], [2, 3, 2]])
        {
            var (w, g) = PerpGradTests.Pair(new Random(5), shape, ScalarType.Float64);
            Tensor[] inputs = [w.requires_grad_(), g.requires_grad_()];
            Func<Tensor[], Tensor> projection = x => F.perp_projection(x[0], x[1], granularity, rescale, eps, strength);
            Assert.True(autograd.gradcheck(projection, inputs, check_grad_dtypes: true));
            Assert.True(autograd.gradgradcheck(projection, inputs, check_grad_dtypes: true));
            Assert.True(autograd.gradgradcheck(projection, inputs, gen_non_contig_grad_outputs: true));
        }
    }

    [Fact]
    public void Derivatives_of_strided_tensors_and_of_one_input_alone_pass_gradcheck()
    {
        using var scope = NewDisposeScope();
        var (w, g) = PerpGradTests.Pair(new Random(6), [3, 4, 2], ScalarType.Float64);
        var (wt, gt) = (w.transpose(0, 1).detach(), g.transpose(0, 1).detach());
        Assert.True(autograd.gradcheck((Tensor[] x) => F.perp_projection(x[0], x[1]), [wt.requires_grad_(), gt.requires_grad_()]));
        Assert.True(autograd.gradcheck((Tensor x) => F.perp_projection(x, g), w.detach().requires_grad_()));
        Assert.True(autograd.gradgradcheck((Tensor x) => F.perp_projection(w, x, PerpGradGranularity.Row), g.detach().requires_grad_()));
    }

    /// <summary>
    /// The first derivative of the function is a projection and no Jacobian: gradcheck's differences cannot see it. So it is differentiated once by hand, and
    /// that function of weight and upstream gradient is what gradcheck and gradgradcheck take.
    /// </summary>
    [Theory]
    [MemberData(nameof(Options))]
    public void The_functions_gradient_is_the_projection_and_passes_gradcheck_as_such(PerpGradGranularity granularity, bool rescale, double eps, double strength)
    {
        using var scope = NewDisposeScope();
        var (w, g) = PerpGradTests.Pair(new Random(7), [3, 5], ScalarType.Float64);
        Func<Tensor[], Tensor> gradient = x =>
        {
            var y = F.perp_grad(x[0], granularity, rescale, eps, strength);
            return autograd.grad([y], [x[0]], [x[1]], retain_graph: true, create_graph: true)[0];
        };
        Tensor[] inputs = [w.requires_grad_(), g.requires_grad_()];
        Assert.Equal(ElementAccess.Values(F.perp_projection(w, g, granularity, rescale, eps, strength)), ElementAccess.Values(gradient(inputs)));
        Assert.True(autograd.gradcheck(gradient, inputs));
        Assert.True(autograd.gradgradcheck(gradient, inputs));
    }

    /// <summary>loss = sum((W x)^2) / 2, whose gradient is W x x': what it owes to W comes back through the function, and is projected on its way.</summary>
    [Fact]
    public void A_second_derivative_goes_through_the_projections_weight_and_projects_what_comes_through_the_loss()
    {
        using var scope = NewDisposeScope();
        var random = new Random(8);
        var (w, v) = PerpGradTests.Pair(random, [3, 4], ScalarType.Float64);
        var x = OperatorContract.Logits(random, [4, 6], ScalarType.Float64, 1);
        Tensor leaf = w.requires_grad_(), used = w.detach().requires_grad_();
        var loss = F.perp_grad(leaf).matmul(x).pow(2).sum() * 0.5;
        var first = autograd.grad([loss], [leaf], retain_graph: true, create_graph: true)[0];
        var second = autograd.grad([(first * v).sum()], [leaf])[0];

        var byHand = F.perp_projection(leaf, used.matmul(x).matmul(x.transpose(0, 1)));
        var parts = autograd.grad([(byHand * v).sum()], [leaf, used]);
        var exact = parts[0] + F.perp_projection(w.detach(), parts[1]);
        Close.Assert("first", byHand, byHand, first, byHand.abs() + 1, 64);
        Close.Assert("second", exact, exact, second, exact.abs() + 1, 256);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Derivatives_come_in_the_inputs_dtype_and_agree_with_float64(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var (w, g) = PerpGradTests.Pair(new Random(9), [6, 7], dtype);
        var v = OperatorContract.Logits(new Random(10), [6, 7], dtype, 1);
        Tensor[] Derivatives(ScalarType type)
        {
            Tensor a = w.to_type(type).detach().requires_grad_(), b = g.to_type(type).detach().requires_grad_();
            autograd.backward(F.perp_projection(a, b), v.to_type(type));
            return [a.grad!, b.grad!];
        }

        var (actual, exact) = (Derivatives(dtype), Derivatives(ScalarType.Float64));
        Assert.All(actual, (x, i) =>
        {
            Assert.Equal(dtype, x.dtype);
            Close.Assert($"{dtype} {i}", exact[i], exact[i].to_type(dtype), x, exact[i].abs(), 1);
        });
    }

    [Fact]
    public void A_zero_weight_passes_gradients_on_and_a_parallel_gradient_stops_them()
    {
        using var scope = NewDisposeScope();
        var v = OperatorContract.Logits(new Random(10), [2, 3], ScalarType.Float32, 1);
        var w = tensor(new float[] { 0, 0, 0, 1, 2, 3 }, [2, 3]).requires_grad_();
        var g = tensor(new float[] { 1, 2, 4, 2, 4, 6 }, [2, 3]).requires_grad_();
        autograd.backward(F.perp_projection(w, g, PerpGradGranularity.Row), v);
        Assert.Equal(ElementAccess.Values(v[0]), ElementAccess.Values(g.grad![0]));
        Assert.All(ElementAccess.Values(g.grad![1]), x => Assert.Equal(0, x));
        Assert.All(ElementAccess.Values(w.grad!), x => Assert.Equal(0, x));
    }

    [Fact]
    public void A_weight_changed_before_backward_is_noticed()
    {
        using var scope = NewDisposeScope();
        var w = ones(2, 3).requires_grad_();
        var loss = (F.perp_grad(w) * tensor(new float[] { 1, 2, 3 })).sum();
        using (no_grad())
        {
            w.add_(ones(2, 3));
        }

        Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => loss.backward());
        Assert.Contains("modified by an inplace operation", Diagnostics.TakeBackwardError()!.Message, StringComparison.Ordinal);
    }
}
