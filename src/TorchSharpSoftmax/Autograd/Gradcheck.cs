using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>The arguments of a gradient check; see <c>torch.autograd.gradcheck</c>.</summary>
internal readonly record struct GradcheckOptions(
    double Eps, double Atol, double Rtol, bool RaiseException, double NondetTol, bool CheckUndefinedGrad, bool CheckGradDtypes);

/// <summary>Compares a function's derivatives by backward with those by differences.</summary>
internal sealed class Gradcheck
{
    private readonly Func<Tensor[], Tensor[]> _function;
    private readonly GradcheckOptions _options;
    private readonly Tensor[] _arguments;
    private readonly Tensor[] _leaves;
    private readonly int[] _numbers;

    private Gradcheck(Func<Tensor[], Tensor[]> function, Tensor[] inputs, GradcheckOptions options)
    {
        (_function, _options) = (function, options);
        _arguments = Array.ConvertAll(inputs, input => input.requires_grad ? ElementAccess.Twin(input).requires_grad_() : input);
        _numbers = [.. Enumerable.Range(0, inputs.Length).Where(i => inputs[i].requires_grad)];
        _leaves = Array.ConvertAll(_numbers, i => _arguments[i]);
    }

    internal static bool Run(Func<Tensor[], Tensor[]> function, Tensor[] inputs, GradcheckOptions options)
    {
        function = GradcheckArguments.Checked(function, inputs, options);
        using var normal = inference_mode(false); // inside that mode nothing has a gradient, whatever grad mode says
        using var grad = enable_grad();
        using var scope = NewDisposeScope(); // one for all: undefined gradients of other people's functions need their forward's scope
        try
        {
            var check = new Gradcheck(function, inputs, options);
            check.CompareJacobians();
            if (options.CheckUndefinedGrad)
            {
                check.PassUndefinedGradients();
            }
        }
        catch (GradcheckException) when (!options.RaiseException)
        {
            return false;
        }

        return true;
    }

    /// <summary>A function's outputs that depend, for autograd, on something.</summary>
    internal static Tensor[] Differentiable(Tensor[] outputs) => Array.FindAll(outputs, output => output is { requires_grad: true });

    private void CompareJacobians()
    {
        var sizes = Array.ConvertAll(_function(_arguments), output => (int)output.numel());
        var numerical = Array.ConvertAll(_leaves, leaf => Jacobian.Numerical(() => _function(_arguments), sizes, leaf, _options.Eps));
        var outputs = _function(_arguments); // after the differences: they write the leaves, which a graph may have saved
        for (int o = 0; o < outputs.Length; o++)
        {
            if (!outputs[o].requires_grad)
            {
                if (!Array.Exists(outputs, output => output.requires_grad))
                {
                    // an integer output beside differentiable ones is by design; nothing differentiable at all must be constant
                    ForEachLeaf(i => Compare(numerical[i][o], new Jacobian(sizes[o], (int)_leaves[i].numel()), outputs[o], o, i));
                }

                continue;
            }

            var analytical = Jacobian.Analytical(outputs[o], o, _leaves, _options.CheckGradDtypes);
            ForEachLeaf(i => Compare(numerical[i][o], analytical[i], outputs[o], o, i));
            var again = Jacobian.Analytical(outputs[o], o, _leaves, _options.CheckGradDtypes);
            ForEachLeaf(i => CompareRuns(analytical[i], again[i], outputs[o], o, i));
        }
    }

    private void Compare(Jacobian numerical, Jacobian analytical, Tensor output, int o, int leaf)
    {
        long wrong = 0;
        double worst = -1;
        (int Row, int Column) at = default;
        for (int row = 0; row < numerical.Rows; row++)
        {
            for (int column = 0; column < numerical.Columns; column++)
            {
                double n = numerical[row, column], a = analytical[row, column];
                double excess = Math.Abs(a - n) - Allowed(n);
                if (a == n || excess <= 0)
                {
                    continue;
                }

                wrong++;
                excess = double.IsNaN(excess) ? double.PositiveInfinity : excess;
                if (excess > worst)
                {
                    (worst, at) = (excess, (row, column));
                }
            }
        }

        if (wrong > 0)
        {
            double n = numerical[at.Row, at.Column], a = analytical[at.Row, at.Column];
            throw new GradcheckException(string.Create(
                CultureInfo.InvariantCulture,
                $"Jacobian mismatch for output {o} with respect to input {_numbers[leaf]}: d output{ElementAccess.Index(at.Row, output.shape)} "
                + $"/ d input{ElementAccess.Index(at.Column, _leaves[leaf].shape)} is {n:R} by differences and {a:R} by backward; they differ by "
                + $"{Math.Abs(a - n):G4}, {Allowed(n):G4} is allowed. {wrong} of {(long)numerical.Rows * numerical.Columns} entries differ by more."
                + $"{(analytical.Arrived ? "" : " No gradient arrived at this input.")}"));
        }
    }

    private void CompareRuns(Jacobian first, Jacobian second, Tensor output, int o, int leaf)
    {
        for (int row = 0; row < first.Rows; row++)
        {
            for (int column = 0; column < first.Columns; column++)
            {
                double a = first[row, column], b = second[row, column];
                if (!(Math.Abs(a - b) <= _options.NondetTol) && !a.Equals(b))
                {
                    throw new GradcheckException(string.Create(
                        CultureInfo.InvariantCulture,
                        $"The backward of output {o} is not deterministic: d output{ElementAccess.Index(row, output.shape)} "
                        + $"/ d input {_numbers[leaf]}{ElementAccess.Index(column, _leaves[leaf].shape)} was {a:R}, and {b:R} the next time; they differ by "
                        + $"{Math.Abs(a - b):G4}, nondet_tol allows {_options.NondetTol:G4}."));
                }
            }
        }
    }

    /// <summary>Every output without a gradient, then each one alone.</summary>
    private void PassUndefinedGradients()
    {
        int count = Differentiable(_function(_arguments)).Length;
        for (int undefined = -1; undefined < (count > 1 ? count : 0); undefined++)
        {
            var outputs = Differentiable(_function(_arguments));
            if (outputs.Length == 0)
            {
                return;
            }

            var gradients = Array.ConvertAll(outputs, output => zeros_like(output));
            for (int o = 0; o < outputs.Length; o++)
            {
                if (undefined < 0 || undefined == o)
                {
                    outputs[o] = UndefinedGradFunction.Apply(outputs[o]);
                }
            }

            string what = undefined < 0 ? "outputs whose gradients are all undefined" : $"outputs of which number {undefined} has an undefined gradient";
            var arrived = Jacobian.Backward(outputs, gradients, _leaves, createGraph: false, what);
            ForEachLeaf(i =>
            {
                if (arrived[i] is { } gradient && Array.FindIndex(ElementAccess.Values(gradient), value => value != 0) is >= 0 and var element)
                {
                    throw new GradcheckException(string.Create(
                        CultureInfo.InvariantCulture,
                        $"The backward of {what} gave input {_numbers[i]}{ElementAccess.Index(element, gradient.shape)} a gradient of "
                        + $"{ElementAccess.Values(gradient)[element]:R}; undefined or 0 is required: an undefined gradient counts as zero."));
                }
            });
        }
    }

    private double Allowed(double numerical) => _options.Atol + (_options.Rtol * Math.Abs(numerical));

    private void ForEachLeaf(Action<int> action)
    {
        for (int i = 0; i < _leaves.Length; i++)
        {
            action(i);
        }
    }
}
