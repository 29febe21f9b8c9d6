using TorchSharp;
using static TorchSharp.torch;

namespace MoeGating;

/// <summary>The derivatives of each sample's log-likelihood, by autograd alone.</summary>
internal static class Scores
{
    /// <summary>[n, parameters], and the log-likelihood of each sample, [n].</summary>
    /// <remarks>
    /// The gradient of <c>sum(v * log p)</c> is linear in v, so its derivative by v is the wanted matrix: one backward pass that keeps its graph, and one through that for each
    /// parameter. So the gates are asked for second derivatives here.
    /// </remarks>
    public static (Tensor Scores, Tensor LogLikelihoods) Of(Mixture mixture, Tensor parameters, Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        Tensor theta = parameters.detach().clone().requires_grad_();
        Tensor v = ones_like(x).requires_grad_();
        Tensor logs = mixture.LogDensity(theta, x, y);
        Tensor gradient = autograd.grad([(v * logs).sum()], [theta], create_graph: true)[0];
        Tensor[] columns = [.. Enumerable.Range(0, (int)theta.size(0)).Select(p => autograd.grad([gradient[p]], [v], retain_graph: true)[0])];
        return (stack(columns, 1).MoveToOuterDisposeScope(), logs.detach().MoveToOuterDisposeScope());
    }
}
