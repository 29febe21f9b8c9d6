using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpSoftmax;

/// <summary>d output[row] / d input[column], by differences and by backward.</summary>
internal sealed class Jacobian(int rows, int columns)
{
    private readonly double[] _entries = new double[(long)rows * columns];

    internal int Rows { get; } = rows;

    internal int Columns { get; } = columns;

    /// <summary>Whether any backward brought a gradient to the input.</summary>
    internal bool Arrived { get; private set; }

    internal ref double this[int row, int column] => ref _entries[((long)row * Columns) + column];

    /// <summary>Central differences of every output by every element of one input.</summary>
    internal static Jacobian[] Numerical(Func<Tensor[]> outputs, int[] sizes, Tensor input, double eps)
    {
        var original = ElementAccess.Values(input);
        GradcheckArguments.CheckSizes(sizes, original.Length, "inputs");
        var jacobians = Array.ConvertAll(sizes, size => new Jacobian(size, original.Length));
        for (int column = 0; column < original.Length; column++)
        {
            var below = At(original[column] - eps);
            var above = At(original[column] + eps);
            ElementAccess.Set(input, column, original[column]);
            for (int output = 0; output < sizes.Length; output++)
            {
                for (int row = 0; row < sizes[output]; row++)
                {
                    jacobians[output][row, column] = (above[output][row] - below[output][row]) / (2 * eps);
                }
            }

            double[][] At(double value)
            {
                using var scope = NewDisposeScope();
                ElementAccess.Set(input, column, value);
                return Array.ConvertAll(outputs(), ElementAccess.Values);
            }
        }

        return jacobians;
    }

    /// <summary>One backward for every element of the output.</summary>
    internal static Jacobian[] Analytical(Tensor output, int number, Tensor[] inputs, bool checkDtypes)
    {
        int rows = (int)output.numel();
        var jacobians = Array.ConvertAll(inputs, input => new Jacobian(rows, (int)input.numel()));
        var seed = new double[rows];
        for (int row = 0; row < rows; row++)
        {
            seed[row] = 1;
            using var scope = NewDisposeScope();
            var gradients = Backward([output], [ElementAccess.FromValues(seed, output)], inputs, createGraph: false, $"output {number}");
            seed[row] = 0;
            for (int i = 0; i < inputs.Length; i++)
            {
                if (gradients[i] is not { } gradient)
                {
                    continue;
                }

                if (checkDtypes && gradient.dtype != inputs[i].dtype)
                {
                    throw new GradcheckException($"The gradient of input {i} has dtype {gradient.dtype}; {inputs[i].dtype} is required.");
                }

                ElementAccess.Values(gradient).CopyTo(jacobians[i].Row(row));
                jacobians[i].Arrived = true;
            }
        }

        return jacobians;
    }

    /// <summary>The gradients of leaves, null where undefined; their <c>grad</c> is null before and after.</summary>
    /// <remarks>Not by <c>torch.autograd.grad</c>, which ends the process where the engine throws.</remarks>
    internal static Tensor?[] Backward(Tensor[] outputs, Tensor[] gradients, Tensor[] inputs, bool createGraph, string what)
    {
        _ = Diagnostics.TakeBackwardError();
        try
        {
            autograd.backward(outputs, gradients, retain_graph: true, create_graph: createGraph, inputs: inputs);
        }
        catch (ExternalException error)
        {
            var reason = Diagnostics.TakeBackwardError() ?? error;
            Array.ForEach(inputs, input => input.grad = null);
            throw new GradcheckException($"The backward of {what} failed: {Diagnostics.Reason(reason)}", reason);
        }

        GC.KeepAlive(outputs);
        GC.KeepAlive(gradients);
        return Array.ConvertAll(inputs, input =>
        {
            var gradient = input.grad;
            input.grad = null; // under create_graph the gradient holds the graph, which holds the leaf
            return gradient is { IsInvalid: false } ? gradient : null;
        });
    }

    private Span<double> Row(int row) => _entries.AsSpan(row * Columns, Columns);
}
