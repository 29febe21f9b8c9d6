using static TorchSharp.torch;

namespace TorchSharpSoftmax;

public static partial class Operators
{
    extension(autograd)
    {
        /// <summary>Compares the derivatives that a function's backward gives with central differences: |backward - differences| &lt;= atol + rtol * |differences|.</summary>
        /// <remarks>
        /// <para>Arguments and meaning are those of PyTorch's <c>torch.autograd.gradcheck</c>; sparse and complex inputs, batched gradients, forward mode and the fast
        /// mode are not there. The function sees copies of the inputs that require grad, with the same strides; their <c>grad</c> is left alone.</para>
        /// <para>Beside the values it checks that backward gives the same twice, and that it takes undefined gradients for zero. It does so inside <c>no_grad</c> and
        /// <c>inference_mode</c>, too.</para>
        /// <para>An exception that leaves the backward of a TorchSharp custom function ends the process; nothing can report it. One in a function of this library,
        /// and one of libtorch's, is reported.</para>
        /// </remarks>
        /// <param name="func">The function: pure, and differentiable at the inputs.</param>
        /// <param name="inputs">Its inputs; those that require grad are checked, and should be Float64.</param>
        /// <param name="eps">The step of the differences.</param>
        /// <param name="atol">Absolute tolerance.</param>
        /// <param name="rtol">Relative tolerance.</param>
        /// <param name="raise_exception">Whether to throw at a wrong derivative; else the answer is false.</param>
        /// <param name="nondet_tol">How far two backward passes may be apart.</param>
        /// <param name="check_undefined_grad">Whether to check undefined output gradients.</param>
        /// <param name="check_grad_dtypes">Whether a gradient must have its input's dtype.</param>
        /// <returns>True; false only where <paramref name="raise_exception"/> is off.</returns>
        /// <exception cref="GradcheckException">A derivative is wrong: the message names the output, the input, the elements and both numbers.</exception>
        /// <exception cref="ArgumentException">
        /// An input cannot be checked: disposed, complex, with elements that share memory; or none requires grad; or an output is missing, disposed, complex or sparse.
        /// </exception>
        public static bool gradcheck(
            Func<Tensor[], Tensor[]> func, Tensor[] inputs, double eps = 1e-6, double atol = 1e-5, double rtol = 1e-3, bool raise_exception = true,
            double nondet_tol = 0.0, bool check_undefined_grad = true, bool check_grad_dtypes = false) =>
            Gradcheck.Run(func, inputs, new(eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes));

        /// <inheritdoc cref="gradcheck(Func{Tensor[], Tensor[]}, Tensor[], double, double, double, bool, double, bool, bool)"/>
        public static bool gradcheck(
            Func<Tensor[], Tensor> func, Tensor[] inputs, double eps = 1e-6, double atol = 1e-5, double rtol = 1e-3, bool raise_exception = true,
            double nondet_tol = 0.0, bool check_undefined_grad = true, bool check_grad_dtypes = false) =>
            Gradcheck.Run(Several(func), inputs, new(eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes));

        /// <inheritdoc cref="gradcheck(Func{Tensor[], Tensor[]}, Tensor[], double, double, double, bool, double, bool, bool)"/>
        public static bool gradcheck(
            Func<Tensor, Tensor[]> func, Tensor inputs, double eps = 1e-6, double atol = 1e-5, double rtol = 1e-3, bool raise_exception = true,
            double nondet_tol = 0.0, bool check_undefined_grad = true, bool check_grad_dtypes = false) =>
            Gradcheck.Run(Several(func), [inputs], new(eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes));

        /// <inheritdoc cref="gradcheck(Func{Tensor[], Tensor[]}, Tensor[], double, double, double, bool, double, bool, bool)"/>
        public static bool gradcheck(
            Func<Tensor, Tensor> func, Tensor inputs, double eps = 1e-6, double atol = 1e-5, double rtol = 1e-3, bool raise_exception = true,
            double nondet_tol = 0.0, bool check_undefined_grad = true, bool check_grad_dtypes = false) =>
            Gradcheck.Run(Several(func), [inputs], new(eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes));

        /// <summary>Checks a function's second derivatives: <c>gradcheck</c> of its gradient, by the inputs and by the outputs' gradients.</summary>
        /// <remarks>
        /// <para>Arguments and meaning are those of PyTorch's <c>torch.autograd.gradgradcheck</c>; see <c>gradcheck</c> for what is not there.</para>
        /// <para>libtorch warns on the error stream, once a process, that <c>backward</c> under <c>create_graph</c> leaves a cycle; here the gradients are taken off the
        /// leaves at once, and no cycle stays.</para>
        /// </remarks>
        /// <param name="func">The function: pure, and twice differentiable at the inputs.</param>
        /// <param name="inputs">Its inputs; those that require grad are checked, and should be Float64.</param>
        /// <param name="grad_outputs">One gradient for each differentiable output; null draws them.</param>
        /// <param name="eps">The step of the differences.</param>
        /// <param name="atol">Absolute tolerance.</param>
        /// <param name="rtol">Relative tolerance.</param>
        /// <param name="gen_non_contig_grad_outputs">Whether drawn gradients are scattered in memory.</param>
        /// <param name="raise_exception">Whether to throw at a wrong derivative; else the answer is false.</param>
        /// <param name="nondet_tol">How far two backward passes may be apart.</param>
        /// <param name="check_undefined_grad">Whether to check undefined output gradients.</param>
        /// <param name="check_grad_dtypes">Whether a gradient must have its input's dtype.</param>
        /// <returns>True; false only where <paramref name="raise_exception"/> is off.</returns>
        /// <exception cref="GradcheckException">A derivative is wrong: the message names the output, the input, the elements and both numbers.</exception>
        /// <exception cref="ArgumentException">
        /// An input cannot be checked: disposed, complex, with elements that share memory; or none requires grad; or an output is missing, disposed, complex or sparse.
        /// </exception>
        public static bool gradgradcheck(
            Func<Tensor[], Tensor[]> func, Tensor[] inputs, Tensor[]? grad_outputs = null, double eps = 1e-6, double atol = 1e-5, double rtol = 1e-3, bool gen_non_contig_grad_outputs = false, bool raise_exception = true,
            double nondet_tol = 0.0, bool check_undefined_grad = true, bool check_grad_dtypes = false) =>
            Gradgradcheck.Run(
                func, inputs, grad_outputs, gen_non_contig_grad_outputs,
                new(eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes));

        /// <inheritdoc cref="gradgradcheck(Func{Tensor[], Tensor[]}, Tensor[], Tensor[], double, double, double, bool, bool, double, bool, bool)"/>
        public static bool gradgradcheck(
            Func<Tensor[], Tensor> func, Tensor[] inputs, Tensor[]? grad_outputs = null, double eps = 1e-6, double atol = 1e-5, double rtol = 1e-3, bool gen_non_contig_grad_outputs = false, bool raise_exception = true,
            double nondet_tol = 0.0, bool check_undefined_grad = true, bool check_grad_dtypes = false) =>
            Gradgradcheck.Run(
                Several(func), inputs, grad_outputs, gen_non_contig_grad_outputs,
                new(eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes));

        /// <inheritdoc cref="gradgradcheck(Func{Tensor[], Tensor[]}, Tensor[], Tensor[], double, double, double, bool, bool, double, bool, bool)"/>
        public static bool gradgradcheck(
            Func<Tensor, Tensor[]> func, Tensor inputs, Tensor[]? grad_outputs = null, double eps = 1e-6, double atol = 1e-5, double rtol = 1e-3, bool gen_non_contig_grad_outputs = false, bool raise_exception = true,
            double nondet_tol = 0.0, bool check_undefined_grad = true, bool check_grad_dtypes = false) =>
            Gradgradcheck.Run(
                Several(func), [inputs], grad_outputs, gen_non_contig_grad_outputs,
                new(eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes));

        /// <inheritdoc cref="gradgradcheck(Func{Tensor[], Tensor[]}, Tensor[], Tensor[], double, double, double, bool, bool, double, bool, bool)"/>
        public static bool gradgradcheck(
            Func<Tensor, Tensor> func, Tensor inputs, Tensor[]? grad_outputs = null, double eps = 1e-6, double atol = 1e-5, double rtol = 1e-3, bool gen_non_contig_grad_outputs = false, bool raise_exception = true,
            double nondet_tol = 0.0, bool check_undefined_grad = true, bool check_grad_dtypes = false) =>
            Gradgradcheck.Run(
                Several(func), [inputs], grad_outputs, gen_non_contig_grad_outputs,
                new(eps, atol, rtol, raise_exception, nondet_tol, check_undefined_grad, check_grad_dtypes));
    }

    private static Func<Tensor[], Tensor[]> Several(Func<Tensor[], Tensor> func)
    {
        Check.NotNull(func, nameof(func), "a function");
        return inputs => [func(inputs)];
    }

    private static Func<Tensor[], Tensor[]> Several(Func<Tensor, Tensor[]> func)
    {
        Check.NotNull(func, nameof(func), "a function");
        return inputs => func(inputs[0]);
    }

    private static Func<Tensor[], Tensor[]> Several(Func<Tensor, Tensor> func)
    {
        Check.NotNull(func, nameof(func), "a function");
        return inputs => [func(inputs[0])];
    }
}
