using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>The in-place and <c>out</c> forms: the same values elsewhere, and nothing that autograd would not notice.</summary>
public sealed class SoftmaxOutputTests
{
    public static TheoryData<ScalarType> Dtypes => [ScalarType.Float32, ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16];

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void In_place_gives_the_values_of_the_functional_form_at_any_strides(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        foreach (int dim in (int[])[0, 1, 2, -1])
        {
            foreach (bool log in (bool[])[false, true])
            {
                var x = OperatorContract.Logits(new Random(4), [5, 33, 7], dtype, 3);
                foreach (var view in (Tensor[])[x, x.transpose(0, 1), x.narrow(1, 3, 20), x.narrow(0, 2, 1).narrow(1, 3, 1).narrow(2, 1, 1)])
                {
                    var target = ElementAccess.Twin(view);
                    var expected = log ? nn.functional.two_pass_log_softmax(view, dim) : nn.functional.two_pass_softmax(view, dim);
                    var result = log ? nn.functional.two_pass_log_softmax_(target, dim) : nn.functional.two_pass_softmax_(target, dim);
                    Assert.Same(target, result);
                    Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(target));
                }
            }
        }
    }

    [Fact]
    public void In_place_on_a_slice_leaves_the_rest_of_its_memory_alone()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(4), [6, 10], ScalarType.Float32, 3);
        var before = x.clone();
        nn.functional.two_pass_softmax_(x.narrow(0, 2, 3));
        nn.functional.two_pass_softmax_(x.narrow(1, 0, 4).narrow(0, 0, 1));
        Assert.Equal(ElementAccess.Values(before.narrow(0, 5, 1)), ElementAccess.Values(x.narrow(0, 5, 1)));
        Assert.Equal(ElementAccess.Values(before.narrow(0, 0, 2).narrow(1, 4, 6)), ElementAccess.Values(x.narrow(0, 0, 2).narrow(1, 4, 6)));
        Assert.Equal(ElementAccess.Values(before.narrow(0, 1, 1)), ElementAccess.Values(x.narrow(0, 1, 1)));
    }

    [Theory]
    [MemberData(nameof(Dtypes))]
    public void Out_gets_the_values_and_is_returned_itself(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(6), [4, 21, 3], dtype, 3);
        foreach (var input in (Tensor[])[x, x.transpose(0, 2), x.narrow(1, 1, 9), x.narrow(1, 1, 1).expand(4, 6, 3)])
        {
            foreach (int dim in (int[])[0, 1, 2])
            {
                var contiguous = empty(input.shape, dtype);
                var scattered = ElementAccess.Twin(empty([.. input.shape, 2], dtype)).narrow(3, 1, 1).view(input.shape);
                foreach (var target in (Tensor[])[contiguous, scattered])
                {
                    Assert.Same(target, nn.functional.two_pass_softmax(input, dim, @out: target));
                    Assert.Equal(ElementAccess.Values(nn.functional.two_pass_softmax(input, dim)), ElementAccess.Values(target));
                    Assert.Same(target, nn.functional.two_pass_log_softmax(input, dim, @out: target));
                    Assert.Equal(ElementAccess.Values(nn.functional.two_pass_log_softmax(input, dim)), ElementAccess.Values(target));
                }

                foreach (bool keepdim in (bool[])[false, true])
                {
                    var expected = nn.functional.two_pass_logsumexp(input, dim, keepdim);
                    var sums = empty(expected.shape, dtype);
                    Assert.Same(sums, nn.functional.two_pass_logsumexp(input, dim, keepdim, sums));
                    Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(sums));
                    Assert.Equal(input.to_type(ScalarType.Float64).logsumexp(dim, keepdim).shape, expected.shape);
                }
            }
        }
    }

    [Fact]
    public void Out_may_be_the_input_itself()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(7), [3, 50], ScalarType.Float32, 3);
        var expected = ElementAccess.Values(nn.functional.two_pass_softmax(x));
        nn.functional.two_pass_softmax(x, @out: x);
        Assert.Equal(expected, ElementAccess.Values(x));
    }

    [Fact]
    public void The_dtype_argument_casts_first_and_passes_the_gradient_back_in_the_inputs_dtype()
    {
        using var scope = NewDisposeScope();
        foreach (var (from, to) in ((ScalarType, ScalarType)[])[(ScalarType.Int64, ScalarType.Float32), (ScalarType.BFloat16, ScalarType.Float32), (ScalarType.Float32, ScalarType.Float64), (ScalarType.Float64, ScalarType.BFloat16)])
        {
            var x = OperatorContract.Logits(new Random(9), [4, 6], ScalarType.Float64, 3).to_type(from);
            var y = nn.functional.two_pass_softmax(x, 1, to);
            Assert.Equal(to, y.dtype);
            Assert.Equal(ElementAccess.Values(nn.functional.two_pass_softmax(x.to_type(to), 1)), ElementAccess.Values(y));
            var given = empty(x.shape, to);
            nn.functional.two_pass_softmax(x, 1, to, @out: given);
            Assert.Equal(ElementAccess.Values(y), ElementAccess.Values(given));
            if (from != ScalarType.Int64)
            {
                var leaf = x.detach().requires_grad_();
                autograd.backward(nn.functional.two_pass_log_softmax(leaf, 1, to), SoftmaxOperator.Upstream(y, new Random(1)));
                Assert.Equal(from, leaf.grad!.dtype);
            }
        }
    }

    [Fact]
    public void A_graph_that_saved_a_tensor_notices_that_it_was_overwritten()
    {
        using var scope = NewDisposeScope();
        foreach (bool ours in (bool[])[false, true])
        {
            foreach (bool intoOut in (bool[])[false, true])
            {
                var (w, data) = (ones(3, 4).requires_grad_(), OperatorContract.Logits(new Random(2), [3, 4], ScalarType.Float32, 1));
                var loss = (w * data).sum(); // saves data for w's gradient
                if (ours)
                {
                    _ = intoOut ? nn.functional.two_pass_softmax(zeros(3, 4), @out: data) : nn.functional.two_pass_softmax_(data);
                    Assert.Throws<ExternalException>(() => loss.backward());
                }
                else
                {
                    loss.backward();
                    Assert.NotNull(w.grad);
                }
            }
        }
    }

    [Fact]
    public void A_change_of_our_own_saved_output_is_reported_by_backward_with_the_reason()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(2), [3, 4], ScalarType.Float32, 1).requires_grad_();
        var y = nn.functional.two_pass_softmax(x);
        using (no_grad())
        {
            nn.functional.two_pass_softmax_(y);
        }

        Assert.Throws<ExternalException>(() => y.sum().backward());
        Assert.Contains("modified by an inplace operation", Diagnostics.TakeBackwardError()!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Under_no_grad_a_leaf_that_requires_grad_may_be_overwritten()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(2), [3, 4], ScalarType.Float32, 1).requires_grad_();
        var expected = ElementAccess.Values(nn.functional.two_pass_softmax(x));
        using (no_grad())
        {
            nn.functional.two_pass_softmax_(x);
        }

        Assert.Equal(expected, ElementAccess.Values(x));
        Assert.True(x.requires_grad && x.is_leaf);
    }

    [Fact]
    public void Dtypes_without_a_kernel_take_libtorchs_operator_and_its_errors()
    {
        using var scope = NewDisposeScope();
        foreach (var x in (Tensor[])[arange(6, ScalarType.Int64).view(2, 3), ones([2, 3], ScalarType.ComplexFloat32)])
        {
            var ours = Record.Exception(() => nn.functional.two_pass_softmax(x, 1));
            var libtorchs = Record.Exception(() => x.softmax(1));
            Assert.Equal(libtorchs?.GetType(), ours?.GetType());
            Assert.NotNull(ours);
            Assert.Equal(FirstLine(libtorchs!.Message), FirstLine(ours.Message));
        }

        static string FirstLine(string message) => message.Split('\n')[0];
    }

    [Fact]
    public void A_fresh_output_on_huge_pages_has_right_values()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(1), [1 << 14], ScalarType.Float32, 2).repeat(640).view(640, 1 << 14); // 40 MiB: huge pages are asked for
        var y = nn.functional.two_pass_softmax(x);
        var row = nn.functional.two_pass_softmax(x.narrow(0, 0, 1));
        Assert.Equal(ElementAccess.Values(row), ElementAccess.Values(y.narrow(0, 0, 1)));
        Assert.Equal(ElementAccess.Values(row), ElementAccess.Values(y.narrow(0, 639, 1)));
    }

    /// <summary>Opt-in (<c>-explicit on</c>): it touches 2.4 GB.</summary>
    [Fact(Explicit = true)]
    public void A_tensor_beyond_two_gigabytes_is_reached_to_its_end()
    {
        using var scope = NewDisposeScope();
        const long rows = 1200, columns = 1_000_003;
        var x = zeros([rows, columns], ScalarType.BFloat16);
        Assert.Same(x, nn.functional.two_pass_softmax_(x));
        double expected = (float)(BFloat16)(float)(1.0 / columns);
        foreach (long row in (long[])[0, rows / 2, rows - 1])
        {
            Assert.All(ElementAccess.Values(x.narrow(0, row, 1).narrow(1, columns - 5, 5)), value => Assert.Equal(expected, value));
        }
    }

    [Fact]
    public void Pointers_honour_offsets_and_strides()
    {
        using var scope = NewDisposeScope();
        var x = zeros([10, 4], ScalarType.BFloat16);
        unsafe
        {
            byte* first = Memory.Of(x);
            Assert.Equal((nint)first + 24, (nint)Memory.Of(x.narrow(0, 3, 2)));
            Assert.Equal((nint)first + 24, (nint)Memory.OfStrided(x.narrow(0, 3, 2)));
            Assert.Equal((nint)first + 26, (nint)Memory.OfStrided(x.narrow(0, 3, 2).narrow(1, 1, 2).transpose(0, 1)));
            Assert.Equal(0, (nint)Memory.Of(x.narrow(0, 3, 0)));
            Assert.Equal(2 * (1 + 4 + 1), Memory.Extent(x.narrow(0, 3, 2).narrow(1, 1, 2)));
        }
    }
}
