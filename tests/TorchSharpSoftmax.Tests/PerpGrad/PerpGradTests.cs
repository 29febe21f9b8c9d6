using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>perpGrad on tensors: the values of the composed formula in every form, at every layout, and the cases in which the reference's code goes wrong.</summary>
public sealed class PerpGradTests
{
    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16];

    public static TheoryData<PerpGradGranularity, bool, double, double> Options => new()
    {
        { PerpGradGranularity.Tensor, true, 1e-30, 1 },
        { PerpGradGranularity.Tensor, false, 1e-30, 1 },
        { PerpGradGranularity.Row, true, 1e-30, 1 },
        { PerpGradGranularity.Row, false, 0, 0.5 },
        { PerpGradGranularity.Tensor, true, 2, 0.25 },
    };

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void The_projection_is_the_formulas_at_every_shape_and_option(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(21);
        foreach (long[] shape in (long[][])[[7], [5, 33], [1, 9], [9, 1], [4, 3, 2, 5], [3, 1037]])
        {
            var (w, g) = Pair(random, shape, dtype);
            foreach (var granularity in (PerpGradGranularity[])[PerpGradGranularity.Tensor, PerpGradGranularity.Row])
            {
                foreach (var (rescale, eps, strength) in ((bool, double, double)[])[(true, 1e-30, 1), (false, 1e-30, 1), (true, 0.5, 0.5)])
                {
                    var actual = F.perp_projection(w, g, granularity, rescale, eps, strength);
                    Assert.Equal(dtype, actual.dtype);
                    if (shape is [9, 1] && granularity == PerpGradGranularity.Row && strength == 1)
                    {
                        Assert.All(ElementAccess.Values(actual), y => Assert.Equal(0, y)); // rows of one element
                        continue;
                    }

                    var exact = Formula(w, g, granularity, rescale, eps, strength);
                    Close.Assert($"{dtype} {Check.Text(shape)} {granularity} {rescale} {eps} {strength}", exact, exact.to_type(dtype), actual, Size(w, g, exact), dtype == ScalarType.Float64 ? 16 : 1);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void Any_layout_gives_the_values_of_the_contiguous_copy_in_every_form(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        foreach (var granularity in (PerpGradGranularity[])[PerpGradGranularity.Tensor, PerpGradGranularity.Row])
        {
            var (w, g) = Pair(new Random(4), [6, 5, 4, 3], dtype);
            foreach (var layout in (Func<Tensor, Tensor>[])[
                x => x, ChannelsLast, x => x.transpose(0, 1), x => x.narrow(2, 1, 2), x => x.narrow(0, 2, 3), x => x.narrow(0, 1, 1).narrow(1, 1, 1)])
            {
                foreach (var (weight, grad) in ((Tensor, Tensor)[])[(layout(w), layout(g)), (layout(w), layout(g).contiguous()), (layout(w).contiguous(), layout(g))])
                {
                    var contiguous = F.perp_projection(weight.contiguous(), grad.contiguous(), granularity);
                    var size = Size(weight, grad, contiguous);
                    AssertAlike(contiguous, F.perp_projection(weight, grad, granularity), size);

                    var parameter = nn.Parameter(ElementAccess.Twin(weight)); // of the same strides
                    parameter.grad = ElementAccess.Twin(grad);
                    Assert.Equal(weight.stride(), parameter.stride());
                    nn.utils.perp_grad_([parameter], granularity);
                    AssertAlike(contiguous, parameter.grad, size);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void All_four_forms_agree_bit_for_bit(PerpGradGranularity granularity, bool rescale, double eps, double strength)
    {
        using var scope = NewDisposeScope();
        var (w, g) = Pair(new Random(6), [8, 11], ScalarType.Float32);
        double[] expected = ElementAccess.Values(F.perp_projection(w, g, granularity, rescale, eps, strength));

        var leaf = w.clone().requires_grad_();
        var alias = F.perp_grad(leaf, granularity, rescale, eps, strength);
        (alias * g).sum().backward();
        Assert.Equal(expected, ElementAccess.Values(leaf.grad!));

        Parameter Parameter()
        {
            var parameter = nn.Parameter(w.clone());
            parameter.grad = g.clone();
            return parameter;
        }

        var inPlace = Parameter();
        nn.utils.perp_grad_([inPlace], granularity, rescale, eps, strength);
        Assert.Equal(expected, ElementAccess.Values(inPlace.grad!));

        var (wrapped, bare) = (Parameter(), Parameter());
        using var optimizer = optim.PerpGrad(optim.SGD([wrapped], 0.1), granularity, rescale, eps, strength);
        optimizer.step();
        bare.grad = inPlace.grad;
        using var sgd = optim.SGD([bare], 0.1);
        sgd.step();
        Assert.Equal(ElementAccess.Values(bare), ElementAccess.Values(wrapped));
    }

    [Fact]
    public void perp_grad_is_the_weight_itself_and_copies_nothing()
    {
        using var scope = NewDisposeScope();
        var weight = Pair(new Random(1), [3, 4], ScalarType.Float32).W.requires_grad_();
        var alias = F.perp_grad(weight);
        unsafe
        {
            Assert.True(Memory.Of(weight) == Memory.Of(alias));
        }

        Assert.True(alias.requires_grad);
        using (no_grad())
        {
            Assert.False(F.perp_grad(weight).requires_grad);
            Assert.Equal(ElementAccess.Values(weight), ElementAccess.Values(F.perp_grad(weight)));
        }

        Assert.False(F.perp_grad(weight.detach()).requires_grad);
        Assert.ThrowsAny<Exception>(() => alias.mul_(alias.detach())); // a view that must not be written while gradients are recorded
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void All_parameters_are_one_vector_with_Global_granularity(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var random = new Random(9);
        (Tensor W, Tensor G)[] pairs = [Pair(random, [5, 7], dtype), Pair(random, [13], dtype), Pair(random, [2, 3, 4], dtype)];
        var (w, g) = (cat([.. pairs.Select(pair => pair.W.flatten())]), cat([.. pairs.Select(pair => pair.G.flatten())]));
        Parameter[] parameters = [.. pairs.Select(pair => With(pair.W.transpose(0, -1), pair.G.transpose(0, -1)))];
        var skipped = With(tensor(3.0, dtype), tensor(5.0, dtype));
        nn.utils.perp_grad_([.. parameters, skipped, nn.Parameter(zeros([3], dtype)), With(zeros([0, 2], dtype), zeros([0, 2], dtype))], PerpGradGranularity.Global);
        var exact = Formula(w, g, PerpGradGranularity.Tensor, true, 1e-30, 1);
        var actual = cat([.. parameters.Select(parameter => parameter.grad!.transpose(0, -1).flatten())]);
        Close.Assert($"{dtype}", exact, exact.to_type(dtype), actual, Size(w, g, exact), dtype == ScalarType.Float64 ? 16 : 1);
        Assert.Equal([5], ElementAccess.Values(skipped.grad!));
    }

    /// <summary>16-bit tensors bring sums of float's precision to the whole.</summary>
    [Theory]
    [InlineData(new[] { ScalarType.Float32, ScalarType.Float64 }, 1)]
    [InlineData(new[] { ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16 }, 1 << 29)]
    public void Parameters_of_several_dtypes_are_one_vector_too(ScalarType[] dtypes, double roughness)
    {
        using var scope = NewDisposeScope();
        var random = new Random(10);
        (Tensor W, Tensor G)[] pairs = [.. dtypes.Select(dtype => Pair(random, [81], dtype))];
        Parameter[] parameters = [.. pairs.Select(pair => With(pair.W, pair.G))];
        nn.utils.perp_grad_(parameters, PerpGradGranularity.Global);
        Tensor Joined(IEnumerable<Tensor> all) => cat([.. all.Select(x => x.to_type(ScalarType.Float64))]);
        var (w, g) = (Joined(pairs.Select(pair => pair.W)), Joined(pairs.Select(pair => pair.G)));
        var exact = Formula(w, g, PerpGradGranularity.Tensor, true, 1e-30, 1);
        Assert.All(dtypes, (dtype, i) =>
        {
            var part = exact.narrow(0, 81 * i, 81);
            double units = dtype == ScalarType.Float64 ? 16 * roughness : 1;
            Close.Assert($"{dtype}", part, part.to_type(dtype), parameters[i].grad!, Size(pairs[i].W, pairs[i].G, part), units);
        });
    }

    /// <summary>1.4e-3 of the gradient is orthogonal: one pass in float32 leaves a cosine of 3e-5.</summary>
    [Fact]
    public void What_is_left_is_orthogonal_to_1e_7_even_where_the_gradient_is_nearly_parallel()
    {
        using var scope = NewDisposeScope();
        foreach (long[] shape in (long[][])[[200, 226], [113, 200], [50]])
        {
            foreach (double cosine in (double[])[0, 0.9, 0.9999, 1 - 1e-6, -(1 - 1e-6)])
            {
                var random = new Random(3);
                var w = OperatorContract.Logits(random, shape, ScalarType.Float64, 1);
                var other = OperatorContract.Logits(random, shape, ScalarType.Float64, 1);
                var across = other - (w * ((w * other).sum() / (w * w).sum()));
                var g = (w * cosine) + (across * (Math.Sqrt(1 - (cosine * cosine)) * (w.norm() / across.norm())));
                var (single, grad) = (w.to_type(ScalarType.Float32), g.to_type(ScalarType.Float32));
                var y = F.perp_projection(single, grad);
                Assert.InRange(Math.Abs(Cosine(single, y)), 0, 1e-7);
                Assert.Equal(1, (y.to_type(ScalarType.Float64).norm() / grad.to_type(ScalarType.Float64).norm()).item<double>(), 1e-6);
            }
        }
    }

    /// <summary>The reference's float32 leaves 0.123 of the first and -5e8 of the second, where 0 is right.</summary>
    [Theory]
    [InlineData(1.7, 0.123)]
    [InlineData(0.7, 5e8)]
    [InlineData(1, 1)]
    public void One_element_is_all_parallel(double w, double g)
    {
        using var scope = NewDisposeScope();
        foreach (var dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16])
        {
            foreach (long[] shape in (long[][])[[], [1], [1, 1]])
            {
                var (weight, grad) = (full(shape, w, dtype), full(shape, g, dtype));
                Assert.Equal([0], ElementAccess.Values(F.perp_projection(weight, grad)));
                Assert.Equal([0], ElementAccess.Values(F.perp_projection(weight, grad, rescale: false)));
                var (skipped, asked) = (With(weight, grad), With(weight, grad));
                nn.utils.perp_grad_([skipped]);
                nn.utils.perp_grad_([asked], filter: _ => true);
                Assert.Equal(ElementAccess.Values(grad), ElementAccess.Values(skipped.grad!));
                Assert.Equal([0], ElementAccess.Values(asked.grad!));
            }
        }
    }

    [Fact]
    public void A_parallel_gradient_gives_0_and_not_its_rounding_at_full_norm()
    {
        using var scope = NewDisposeScope();
        foreach (var dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16])
        {
            var w = OperatorContract.Logits(new Random(1), [40, 30], dtype, 1);
            var g = (w.to_type(ScalarType.Float64) * -0.37).to_type(dtype);
            Assert.All(ElementAccess.Values(F.perp_projection(w, g)), y => Assert.Equal(0, y));
            Assert.All(ElementAccess.Values(F.perp_projection(w, g, PerpGradGranularity.Row)), y => Assert.Equal(0, y));
        }
    }

    /// <summary>A zero-initialised bias or adapter; in float16 the reference's eps of 1e-30 is 0, and 0 / 0 is NaN.</summary>
    [Theory]
    [MemberData(nameof(Dtypes))]
    public void A_weight_of_zeros_leaves_the_gradient_as_it_is(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var (w, g) = Pair(new Random(1), [6, 7], dtype);
        foreach (double eps in (double[])[1e-30, 0])
        {
            Assert.Equal(ElementAccess.Values(g), ElementAccess.Values(F.perp_projection(zeros_like(w), g, eps: eps)));
            var parameter = With(zeros_like(w), g);
            nn.utils.perp_grad_([parameter], PerpGradGranularity.Global, eps: eps);
            Assert.Equal(ElementAccess.Values(g), ElementAccess.Values(parameter.grad!));
        }

        using (no_grad())
        {
            w[2] = zeros(7); // one neuron of zeros
        }

        var rows = F.perp_projection(w, g, PerpGradGranularity.Row);
        Assert.Equal(ElementAccess.Values(g[2]), ElementAccess.Values(rows[2]));
        Assert.DoesNotContain(double.NaN, ElementAccess.Values(rows));
    }

    [Fact]
    public void A_bias_is_one_vector_whatever_the_granularity()
    {
        using var scope = NewDisposeScope();
        var (w, g) = Pair(new Random(1), [6], ScalarType.Float32);
        Assert.Equal(ElementAccess.Values(F.perp_projection(w, g)), ElementAccess.Values(F.perp_projection(w, g, PerpGradGranularity.Row)));
    }

    [Fact]
    public void Tensors_of_no_elements_come_back_empty()
    {
        using var scope = NewDisposeScope();
        foreach (long[] shape in (long[][])[[0], [0, 3], [3, 0]])
        {
            Assert.Equal(shape, F.perp_projection(zeros(shape), zeros(shape), PerpGradGranularity.Row).shape);
            nn.utils.perp_grad_([With(zeros(shape), zeros(shape))], PerpGradGranularity.Row);
        }
    }

    /// <summary>No kernel reads a meta tensor, which has no memory: libtorch's operators give its shape, or say which of them has none there (1.13's where).</summary>
    [Fact]
    public void A_meta_tensor_takes_the_path_without_a_kernel()
    {
        using var scope = NewDisposeScope();
        var w = empty([3, 4], ScalarType.Float32, new Device("meta"));
        try
        {
            var y = F.perp_projection(w, w, PerpGradGranularity.Row);
            Assert.Equal((DeviceType.META, ScalarType.Float32), (y.device_type, y.dtype));
            Assert.Equal([3, 4], y.shape);
        }
        catch (System.Runtime.InteropServices.ExternalException error)
        {
            Assert.Contains("aten::where.self", error.Message, StringComparison.Ordinal); // libtorch 1.13 has no such operator for it, libtorch 2 none for a scalar of the CPU beside it
        }
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void The_path_without_a_kernel_has_the_kernels_values(PerpGradGranularity granularity, bool rescale, double eps, double strength)
    {
        using var scope = NewDisposeScope();
        foreach (var dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64])
        {
            var (w, g) = Pair(new Random(2), [5, 6], dtype);
            w[1] = zeros(6, dtype);
            g[2] = w[2] * 0.5f; // a row that is parallel, one whose weight is zero, and one of zeros
            g[3] = zeros(6, dtype);
            var options = PerpGradOptions.Checked(granularity, rescale, eps, strength);
            var (kernel, composed) = (F.perp_projection(w, g, granularity, rescale, eps, strength), PerpProjectionComposed.Project(w, g, options));
            Close.Assert($"{dtype}", kernel.to_type(ScalarType.Float64), kernel, composed, Size(w, g, kernel), 4);
        }
    }

    [Fact]
    public void Writing_a_gradient_counts_as_a_change_of_it()
    {
        using var scope = NewDisposeScope();
        var (w, g) = Pair(new Random(2), [5, 6], ScalarType.Float32);
        var parameter = With(w, g);
        var x = ones(5, 6).requires_grad_();
        var loss = (x * parameter.grad!).sum(); // saves the gradient
        nn.utils.perp_grad_([parameter]);
        Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => loss.backward());
    }

    internal static (Tensor W, Tensor G) Pair(Random random, long[] shape, ScalarType dtype)
    {
        var w = OperatorContract.Logits(random, shape, ScalarType.Float64, 1);
        var g = (OperatorContract.Logits(random, shape, ScalarType.Float64, 1) - w) * 0.1;
        return (w.to_type(dtype), g.to_type(dtype));
    }

    internal static Parameter With(Tensor weight, Tensor grad)
    {
        var parameter = nn.Parameter(weight.clone());
        parameter.grad = grad.clone();
        return parameter;
    }

    internal static double Cosine(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        Tensor x = a.to_type(ScalarType.Float64), y = b.to_type(ScalarType.Float64);
        return ((x * y).sum() / (x.norm() * y.norm())).item<double>();
    }

    private static Tensor ChannelsLast(Tensor x) => x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    /// <summary>The paper's formula with the code's rescaling, in float64 and as it is written, beside the library's own composition.</summary>
    internal static Tensor Formula(Tensor weight, Tensor grad, PerpGradGranularity granularity, bool rescale, double eps, double strength)
    {
        Tensor w = weight.to_type(ScalarType.Float64), g = grad.to_type(ScalarType.Float64);
        if (granularity == PerpGradGranularity.Row && w.ndim > 1)
        {
            return stack([.. Enumerable.Range(0, (int)w.size(0)).Select(i => Formula(w[i], g[i], PerpGradGranularity.Tensor, rescale, eps, strength))]);
        }

        var p = g - (w * ((w * g).sum() / ((w * w).sum() + eps)) * strength);
        return rescale ? p * (g.norm() / p.norm()) : p;
    }

    /// <summary>What an error is measured against: the two terms whose difference the result is.</summary>
    internal static Tensor Size(Tensor w, Tensor g, Tensor exact) =>
        exact.to_type(ScalarType.Float64).abs() + (2 * g.to_type(ScalarType.Float64).abs()) + (0.2 * w.to_type(ScalarType.Float64).abs());

    /// <summary>Sums are taken in memory's order, so that 16-bit results of another order may differ in the last bit.</summary>
    private static void AssertAlike(Tensor expected, Tensor actual, Tensor size) =>
        Close.Assert($"{actual.dtype}", expected.to_type(ScalarType.Float64), expected, actual, size, actual.dtype == ScalarType.Float64 ? 4 : 1);
}
