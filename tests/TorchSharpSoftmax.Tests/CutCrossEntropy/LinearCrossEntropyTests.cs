using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>Losses and gradients against the definition in float64, beside libtorch's with all logits.</summary>
public sealed class LinearCrossEntropyTests
{
    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16];

    private static long[][] Shapes => [[7, 5, 11], [1, 1, 1], [3, 1, 4], [17, 33, 8], [9, 2, 65], [2, 16, 3]];

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void Every_option_with_every_other_gives_the_loss_and_the_gradients_of_the_definition(ScalarType dtype)
    {
        var random = new Random(3);
        foreach (var (i, sample) in LinearCrossEntropyCase.Pairs.Index())
        {
            foreach (long[] shape in Shapes.Where((_, k) => (i + k) % 2 == 0 || k == 0))
            {
                using var scope = NewDisposeScope();
                long[] tokens = sample.Shift == 0 ? [shape[0]] : [2, shape[0] + 1];
                Compare(sample, LinearCrossEntropyData.Of(sample, random, tokens, shape[1], shape[2], dtype), random);
            }
        }
    }

    /// <summary>Past every block of every dim, and no multiple of any.</summary>
    [Theory]
    [InlineData(ScalarType.Float32, Reduction.Mean, LinearCrossEntropyMode.GradientInForward, 0)]
    [InlineData(ScalarType.Float32, Reduction.Sum, LinearCrossEntropyMode.Recompute, 2)]
    [InlineData(ScalarType.Float32, Reduction.None, LinearCrossEntropyMode.Auto, 5)]
    [InlineData(ScalarType.Float64, Reduction.Mean, LinearCrossEntropyMode.Auto, 2)]
    [InlineData(ScalarType.BFloat16, Reduction.Mean, LinearCrossEntropyMode.GradientInForward, 2)]
    [InlineData(ScalarType.Float16, Reduction.None, LinearCrossEntropyMode.Recompute, 2)]
    public void Shapes_beyond_all_blocks_are_as_exact_as_small_ones(ScalarType dtype, Reduction reduction, LinearCrossEntropyMode mode, int ignoredEvery)
    {
        using var scope = NewDisposeScope();
        var random = new Random(5);
        foreach (var kind in (TargetKind[])[TargetKind.Classes, TargetKind.Sparse])
        {
            var sample = new LinearCrossEntropyCase
            {
                Kind = kind,
                Bias = true,
                Reduction = reduction,
                Mode = mode,
                IgnoredEvery = ignoredEvery,
                Smoothing = kind == TargetKind.Classes ? 0.1 : 0,
            };
            Compare(sample, LinearCrossEntropyData.Of(sample, random, [193], 131, 1009, dtype), random);
        }
    }

    [Fact]
    public void Dense_probabilities_softcap_and_StableMax_beyond_all_blocks()
    {
        using var scope = NewDisposeScope();
        var random = new Random(6);
        var sample = new LinearCrossEntropyCase { Kind = TargetKind.Dense, Link = CrossEntropyLink.StableMax, Softcap = 3, ZLoss = 1e-2, Weighted = true };
        Compare(sample, LinearCrossEntropyData.Of(sample, random, [131], 67, 517, ScalarType.Float32), random);
    }

    [Fact]
    public void Leading_dims_are_tokens_and_a_vector_is_one()
    {
        var random = new Random(7);
        foreach (long[] tokens in (long[][])[[], [3], [2, 3], [2, 1, 3], [0], [3, 0]])
        {
            foreach (var sample in LinearCrossEntropyCase.Pairs.Where(sample => sample.Shift == 0 && sample.Reduction != Reduction.Mean))
            {
                using var scope = NewDisposeScope();
                Compare(sample, LinearCrossEntropyData.Of(sample, random, tokens, 6, 9, ScalarType.Float32), random);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void Transposed_sliced_and_expanded_tensors_are_read_as_they_lie(ScalarType dtype)
    {
        var random = new Random(8);
        foreach (var sample in LinearCrossEntropyCase.Pairs.Where((sample, i) => sample.Shift == 0 && i % 2 == 0))
        {
            using var scope = NewDisposeScope();
            var data = LinearCrossEntropyData.Of(sample, random, [6], 5, 7, dtype);
            Tensor Strided(Tensor x) => stack([x, x * 2], -1).select(-1, 0);
            Compare(
                sample,
                data with
                {
                    Input = data.Input.t().contiguous().t(),
                    Weight = Strided(data.Weight),
                    Target = Strided(data.Target),
                    Bias = data.Bias is null ? null : Strided(data.Bias),
                    ClassWeight = data.ClassWeight is null ? null : Strided(data.ClassWeight),
                    Probabilities = data.Probabilities is null ? null : Strided(data.Probabilities),
                },
                random);
            Compare(sample, data with { Input = data.Input.narrow(0, 2, 1).expand(6, 5), Weight = data.Weight.narrow(0, 1, 1).expand(7, 5) }, random);
        }
    }

    /// <summary>A copy of the input without its last tokens, and of the target without its first, is what shift saves.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Shift_pairs_each_token_with_a_later_target(long shift)
    {
        using var scope = NewDisposeScope();
        var random = new Random(9);
        foreach (var kind in Enum.GetValues<TargetKind>())
        {
            var sample = new LinearCrossEntropyCase { Kind = kind, TokenWeighted = true, IgnoredEvery = 3, Reduction = Reduction.None, Bias = true };
            var data = LinearCrossEntropyData.Of(sample, random, [3, 5], 4, 7, ScalarType.Float32).Leaves();
            var shifted = (sample with { Shift = shift }).Of(data);
            Assert.Equal([3, 5 - shift], shifted.shape);
            var (inputs, targets) = (data.Input.narrow(1, 0, 5 - shift), data.Target.narrow(1, shift, 5 - shift));
            var cut = data with
            {
                Input = inputs,
                Target = targets,
                TokenWeights = data.TokenWeights!.narrow(1, shift, 5 - shift),
                Probabilities = data.Probabilities?.narrow(1, shift, 5 - shift),
            };
            Assert.Equal(ElementAccess.Values(sample.Of(cut)), ElementAccess.Values(shifted));
        }
    }

    [Fact]
    public void The_number_of_threads_does_not_change_a_bit()
    {
        using var scope = NewDisposeScope();
        var random = new Random(10);
        int threads = get_num_threads();
        foreach (var reduction in (Reduction[])[Reduction.Mean, Reduction.None])
        {
            var sample = new LinearCrossEntropyCase { Bias = true, Reduction = reduction, IgnoredEvery = 4, Smoothing = 0.1 };
            var data = LinearCrossEntropyData.Of(sample, random, [193], 67, 1009, ScalarType.Float32);
            var dy = Upstream(sample.Of(data), random);
            byte[][] results =
            [
                .. from n in (int[])[1, 2, 3]
                   select WithThreads(n, () =>
                   {
                       var leaves = data.Leaves();
                       var loss = sample.Of(leaves);
                       autograd.backward(loss, dy);
                       return (byte[])[.. loss.bytes, .. leaves.Parameters.SelectMany(p => p.grad!.bytes.ToArray())];
                   }),
            ];
            Assert.Equal(results[0], results[1]);
            Assert.Equal(results[0], results[2]);
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

    [Fact]
    public void Both_modes_give_one_loss_and_the_same_gradients_to_rounding()
    {
        using var scope = NewDisposeScope();
        var random = new Random(11);
        var sample = new LinearCrossEntropyCase { Bias = true, Weighted = true, ZLoss = 1e-3, Smoothing = 0.1, IgnoredEvery = 3 };
        var data = LinearCrossEntropyData.Of(sample, random, [65], 33, 257, ScalarType.Float64);
        var (first, second) = (data.Leaves(), data.Leaves());
        var (inForward, later) = ((sample with { Mode = LinearCrossEntropyMode.GradientInForward }).Of(first), (sample with { Mode = LinearCrossEntropyMode.Recompute }).Of(second));
        Assert.Equal(inForward.item<double>(), later.item<double>(), 1e-13);
        inForward.backward();
        later.backward();
        foreach (var (a, b) in first.Parameters.Zip(second.Parameters))
        {
            Assert.Equal(ElementAccess.Values(a.grad!), ElementAccess.Values(b.grad!), (x, y) => Math.Abs(x - y) <= 1e-14);
        }
    }

    /// <summary>What a workspace is, results do not show.</summary>
    [Fact]
    public void A_workspace_of_a_chosen_size_serves_as_well()
    {
        using var scope = NewDisposeScope();
        var random = new Random(12);
        var sample = new LinearCrossEntropyCase { Bias = true };
        var data = LinearCrossEntropyData.Of(sample, random, [65], 33, 257, ScalarType.Float64);
        var expected = sample.Of(data).item<double>();
        foreach (var mode in (LinearCrossEntropyMode[])[LinearCrossEntropyMode.GradientInForward, LinearCrossEntropyMode.Recompute])
        {
            var leaves = data.Leaves();
            var options = sample.Options(leaves) with { workspace = 64L << 20, mode = mode };
            Assert.Equal(expected, nn.functional.linear_cross_entropy(leaves.Input, leaves.Weight, leaves.Target, leaves.Bias, options: options).item<double>(), 1e-13);
        }
    }

    internal static Tensor Upstream(Tensor loss, Random random) => SoftmaxOperator.Upstream(loss, random);

    internal static void Compare(LinearCrossEntropyCase sample, LinearCrossEntropyData data, Random random, string run = "")
    {
        string what = $"{run} {sample}, {data.Input.dtype} {Check.Text(data.Input.shape)} {Check.Text(data.Weight.shape)}".TrimStart();
        var dtype = data.Input.dtype;
        var leaves = data with { Input = data.Input.detach().requires_grad_(), Weight = data.Weight.detach().requires_grad_(), Bias = data.Bias?.detach().requires_grad_() };
        var exactData = data.To(ScalarType.Float64).Leaves();
        var nearData = data.To(Dtype.ArithmeticOf(dtype)).Leaves();
        var (exact, near, actual) = (new LinearCrossEntropyReference(sample, exactData), new LinearCrossEntropyReference(sample, nearData), sample.Of(leaves));
        Assert.Equal(dtype, actual.dtype);
        var dy = Upstream(actual, random);
        var dy64 = dy.to_type(ScalarType.Float64);
        var scales = exact.GradientScales(dy64);
        Assert16OrWide(what + ", loss", exact.Loss.detach(), near.Loss.detach(), actual.detach(), exact.LossScale());
        autograd.backward(exact.Loss, dy64);
        autograd.backward(near.Loss, dy.to_type(near.Loss.dtype));
        autograd.backward(actual, dy);
        for (int i = 0; i < leaves.Parameters.Length; i++)
        {
            var parameter = leaves.Parameters[i];
            Assert.Equal(parameter.shape, parameter.grad!.shape);
            if (parameter.numel() > 0)
            {
                Assert16OrWide($"{what}, gradient {i}", exactData.Parameters[i].grad!, nearData.Parameters[i].grad!, parameter.grad!, scales[i]);
            }
        }
    }

    /// <summary>A 16-bit result is that of float arithmetic, rounded: twice, where the upstream gradient came after.</summary>
    private static void Assert16OrWide(string what, Tensor exact, Tensor near, Tensor actual, Tensor scale)
    {
        var arithmetic = Dtype.ArithmeticOf(actual.dtype);
        var size = scale.detach().nan_to_num(0, 0, 0);
        Assert.Equal(exact.shape, size.shape);
        if (arithmetic == actual.dtype)
        {
            Close.Assert(what, exact, near, actual, size, units: arithmetic == ScalarType.Float64 ? 16 : 4); // what float64 is compared with is float64 itself, and errs as much
            return;
        }

        double finer = Close.Epsilon(arithmetic) / Close.Epsilon(actual.dtype);
        Close.Assert(what, exact, near.to_type(actual.dtype), actual, exact.abs() + (size * (4 * finer)), units: 1);
    }
}
