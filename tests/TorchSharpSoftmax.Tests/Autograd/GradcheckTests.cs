using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>gradcheck finds every kind of wrong derivative, says where and how much, and accepts the right ones.</summary>
public sealed class GradcheckTests
{
    [Fact]
    public void Right_derivatives_pass_in_every_form_of_function()
    {
        using var scope = NewDisposeScope();
        var (x, z) = (Input(), Input(3));
        var index = arange(3, ScalarType.Int64);
        Assert.True(torch.autograd.gradcheck(t => t * t, x));
        Assert.True(torch.autograd.gradcheck(t => new[] { t.exp(), t.sum() }, x));
        Assert.True(torch.autograd.gradcheck(ts => ts[0] * ts[1], [x, z]));
        Assert.True(torch.autograd.gradcheck(ts => new[] { ts[0] * ts[1], ts[0].index_select(0, ts[2]) }, [x, z, index]));
        Assert.True(torch.autograd.gradgradcheck(t => t * t * t, x));
        Assert.True(torch.autograd.gradgradcheck(t => new[] { t.exp(), (t * t).sum() }, x));
        Assert.True(torch.autograd.gradgradcheck(ts => ts[0] * ts[1], [x, z]));
        Assert.True(torch.autograd.gradgradcheck(ts => new[] { ts[0] * ts[1], ts[0] * ts[0] }, [x, z], [Input(4), Input(5)]));
        Assert.True(torch.autograd.gradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.Right), x));
        Assert.True(torch.autograd.gradgradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.Right), x));
    }

    [Fact]
    public void Where_nothing_has_a_gradient_it_is_checked_all_the_same()
    {
        using var scope = NewDisposeScope();
        var x = Input();
        foreach (var mode in (Func<IDisposable>[])[no_grad, () => inference_mode()])
        {
            using var without = mode();
            Assert.True(torch.autograd.gradcheck(t => t * t, x));
            Assert.True(torch.autograd.gradgradcheck(t => t * t * t, x));
            Finds(() => torch.autograd.gradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.OnePercentOffInOneElement), x));
            Assert.False(is_grad_enabled());
        }
    }

    [Fact]
    public void A_gradient_one_percent_off_in_one_element_is_found_with_its_place_and_both_numbers()
    {
        using var scope = NewDisposeScope();
        var x = Input();
        var error = Finds(() => torch.autograd.gradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.OnePercentOffInOneElement), x));
        double right = 2 * ElementAccess.Values(x)[^2];
        Assert.Contains("output 0 with respect to input 0", error.Message, StringComparison.Ordinal);
        Assert.Contains("d output[2, 1] / d input[2, 1]", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 of 81 entries differ", error.Message, StringComparison.Ordinal);
        var numbers = Numbers(error.Message);
        Assert.Contains(numbers, number => Math.Abs(number - right) < 1e-6);
        Assert.Contains(numbers, number => Math.Abs(number - (1.01 * right)) < 1e-9);
    }

    [Fact]
    public void The_input_that_is_wrong_is_named_by_its_place_among_all()
    {
        using var scope = NewDisposeScope();
        var error = Finds(() => torch.autograd.gradcheck(
            ts => ts[0].sum() + ts[1].sum() + FailingFunction.Apply(ts[2], FailingFunction.Mode.Transposed), [zeros(2), Input(), Input(3)]));
        Assert.Contains("with respect to input 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_gradient_is_found()
    {
        using var scope = NewDisposeScope();
        var error = Finds(() => torch.autograd.gradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.Missing), Input()));
        Assert.Contains("and 0 by backward", error.Message, StringComparison.Ordinal);
        Assert.Contains("No gradient arrived at this input.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_transposed_gradient_is_found()
    {
        using var scope = NewDisposeScope();
        Finds(() => torch.autograd.gradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.Transposed), Input()));
    }

    [Fact]
    public void A_function_cut_off_from_its_input_is_found()
    {
        using var scope = NewDisposeScope();
        var error = Finds(() => torch.autograd.gradcheck(t => (t * t).detach(), Input()));
        Assert.Contains("No gradient arrived at this input.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_second_derivative_passes_gradcheck_and_is_found_by_gradgradcheck()
    {
        using var scope = NewDisposeScope();
        foreach (var mode in (FailingFunction.Mode[])[FailingFunction.Mode.NoSecondDerivative, FailingFunction.Mode.WrongSecondDerivative])
        {
            Assert.True(torch.autograd.gradcheck(t => FailingFunction.Apply(t, mode), Input()));
            Finds(() => torch.autograd.gradgradcheck(t => FailingFunction.Apply(t, mode), Input()));
        }
    }

    [Fact]
    public void A_backward_that_is_not_deterministic_is_found_unless_tolerated()
    {
        using var scope = NewDisposeScope();
        var error = Finds(() => torch.autograd.gradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.NotRepeatable), Input()));
        Assert.Contains("not deterministic", error.Message, StringComparison.Ordinal);
        Assert.True(torch.autograd.gradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.NotRepeatable), Input(), nondet_tol: 1));
    }

    [Fact]
    public void A_forward_that_is_not_deterministic_is_found()
    {
        using var scope = NewDisposeScope();
        double drift = 0;
        Finds(() => torch.autograd.gradcheck(t => t * t + (drift += 0.001), Input()));
    }

    [Fact]
    public void An_error_in_backward_is_reported_with_its_reason_and_the_engine_goes_on()
    {
        using var scope = NewDisposeScope();
        var error = Finds(() => torch.autograd.gradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.Throws), Input()));
        Assert.Contains("backward cannot", error.Message, StringComparison.Ordinal);
        Assert.IsType<NotSupportedException>(error.InnerException);
        Assert.True(torch.autograd.gradcheck(t => t * t, Input()));
    }

    [Fact]
    public void A_backward_that_gives_something_for_an_undefined_gradient_is_found()
    {
        using var scope = NewDisposeScope();
        var x = Input();
        var error = Finds(() => torch.autograd.gradcheck(t => InventingFunction.apply(t), x));
        Assert.Contains("undefined or 0 is required", error.Message, StringComparison.Ordinal);
        Assert.True(torch.autograd.gradcheck(t => InventingFunction.apply(t), x, check_undefined_grad: false));
    }

    [Fact]
    public void Without_raise_exception_the_answer_is_false()
    {
        using var scope = NewDisposeScope();
        Assert.False(torch.autograd.gradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.Transposed), Input(), raise_exception: false));
        Assert.False(torch.autograd.gradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.Throws), Input(), raise_exception: false));
        Assert.False(torch.autograd.gradgradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.WrongSecondDerivative), Input(), raise_exception: false));
    }

    [Fact]
    public void Tolerances_and_the_step_are_taken()
    {
        using var scope = NewDisposeScope();
        Assert.True(torch.autograd.gradcheck(t => FailingFunction.Apply(t, FailingFunction.Mode.OnePercentOffInOneElement), Input(), rtol: 0.02));
        Assert.False(torch.autograd.gradcheck(t => t * t * t, Input(), eps: 0.3, raise_exception: false));
        Assert.True(torch.autograd.gradcheck(t => t * t * t, Input(), eps: 0.3, atol: 0.1));
    }

    [Fact]
    public void Inputs_with_elements_in_one_place_are_refused()
    {
        using var scope = NewDisposeScope();
        var expanded = ones([3], ScalarType.Float64).expand(2, 3).requires_grad_();
        var windows = ones([4], ScalarType.Float64).as_strided([3, 2], [1, 1]).requires_grad_();
        foreach (var x in (Tensor[])[expanded, windows])
        {
            var refusal = Assert.Throws<ArgumentException>(() => torch.autograd.gradcheck(t => t * t, x));
            Assert.StartsWith("'inputs[0]' has several elements in one place", refusal.Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => torch.autograd.gradgradcheck(t => t * t, x));
        }
    }

    [Fact]
    public void Inputs_of_which_none_requires_grad_are_refused()
    {
        using var x = ones([3], ScalarType.Float64);
        var refusal = Assert.Throws<ArgumentException>(() => torch.autograd.gradcheck(t => t * t, x));
        Assert.StartsWith("'inputs' has no tensor that requires grad; at least one is required.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Float32_inputs_are_checked_with_a_warning()
    {
        using var scope = NewDisposeScope();
        var warnings = new List<string>();
        void Listen(object? sender, WarnedEventArgs warning) => warnings.Add(warning.Message);
        Diagnostics.Warned += Listen;
        try
        {
            var x = Input().to_type(ScalarType.Float32).detach().requires_grad_();
            Assert.True(torch.autograd.gradcheck(t => t * t, x, eps: 1e-2, atol: 1e-2));
        }
        finally
        {
            Diagnostics.Warned -= Listen;
        }

        Assert.Equal(["'inputs[0]' requires grad and is Float32; the differences will most likely be too coarse. Float64 is recommended."], warnings);
    }

    [Fact]
    public void What_could_not_be_checked_is_refused_by_name_and_never_passes()
    {
        using var scope = NewDisposeScope();
        var x = Input();
        Refuses("'func' is null; a function is required.", () => torch.autograd.gradcheck((Func<Tensor, Tensor>)null!, x));
        Refuses("'func' is null; a function is required.", () => torch.autograd.gradgradcheck((Func<Tensor[], Tensor[]>)null!, [x]));
        Refuses("'inputs' is null; an array of tensors is required.", () => torch.autograd.gradcheck((Tensor[] t) => t[0], (Tensor[])null!));
        Refuses("'func' has returned null; an array of tensors is required.", () => torch.autograd.gradcheck(t => (Tensor[])null!, x));
        Refuses("'func' has returned null as output 0; a dense real tensor is required.", () => torch.autograd.gradcheck(t => (Tensor)null!, x));
        Refuses(
            "'func' has returned a tensor of ComplexFloat64 as output 1; a dense real tensor is required.",
            () => torch.autograd.gradcheck(t => new[] { t, t.to_type(ScalarType.ComplexFloat64) }, x));
        Refuses("'eps' is 0; a positive finite step is required.", () => torch.autograd.gradcheck(t => t * t, x, eps: 0));
        Refuses("'atol' is -1; 0 or more is required.", () => torch.autograd.gradcheck(t => t * t, x, atol: -1));
        Refuses("'nondet_tol' is NaN; 0 or more is required.", () => torch.autograd.gradgradcheck(t => t * t, x, nondet_tol: double.NaN));
        Refuses("'grad_outputs[0]' has shape [2, 2]; [3, 3] is required.", () => torch.autograd.gradgradcheck(t => t * t, x, [zeros([2, 2], ScalarType.Float64)]));
        Refuses("'grad_outputs[0]' is null; a tensor is required.", () => torch.autograd.gradgradcheck(t => t * t, x, [null!]));

        static void Refuses(string message, Func<object> check) =>
            Assert.StartsWith(message, Assert.ThrowsAny<ArgumentException>(check).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_inputs_and_their_gradients_are_left_alone_and_nothing_stays_alive()
    {
        using var x = Input();
        using var before = x.detach().clone();
        var (nodes, tensors) = Live.Counts();

        // without undefined gradients: TorchSharp counts each of its empty wrappers for ever
        Assert.True(torch.autograd.gradgradcheck(t => nn.functional.two_pass_softmax(t), x, check_undefined_grad: false));
        Live.Collect();
        ParkedGradients.Release();
        Assert.Null(x.grad);
        Assert.Equal(ElementAccess.Values(before), ElementAccess.Values(x));
        Assert.Equal((nodes, tensors), (Live.Nodes, Tensor.TotalCount));
    }

    internal static Tensor Input(int seed = 2) => OperatorContract.Logits(new Random(seed), [3, 3], ScalarType.Float64, 1).requires_grad_();

    private static GradcheckException Finds(Func<object> check) => Assert.Throws<GradcheckException>(check);

    [Fact]
    public void Derivatives_that_no_array_holds_are_refused()
    {
        using var scope = NewDisposeScope();
        var refusal = Assert.Throws<ArgumentException>(() => torch.autograd.gradcheck(t => t * t, zeros([50_000], ScalarType.Float64).requires_grad_()));
        Assert.StartsWith("'inputs' has a tensor of 50000 elements beside an output of 50000; 2147483591 derivatives at most are required.", refusal.Message, StringComparison.Ordinal);
    }

    private static double[] Numbers(string text) =>
        [.. System.Text.RegularExpressions.Regex.Matches(text, @"-?\d+\.\d+(E-?\d+)?").Select(match => double.Parse(match.Value, System.Globalization.CultureInfo.InvariantCulture))];

    /// <summary>Gives a gradient of ones where the output's is undefined. Written straight on TorchSharp's class: the library's helper does not allow it.</summary>
    private sealed class InventingFunction : autograd.SingleTensorFunction<InventingFunction>
    {
        private Tensor? _output, _gradient;

        public override string Name => nameof(InventingFunction);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.set_materialize_grads(false);
            return _output = ((Tensor)vars[0]).clone();
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
            [_gradient = grad_output.IsInvalid ? ones([3, 3], ScalarType.Float64) : grad_output];
    }
}
