using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal sealed class CubeFunction : torch.autograd.SingleTensorFunction<CubeFunction>
{
    public override string Name => nameof(CubeFunction);

    public override torch.Tensor forward(torch.autograd.AutogradContext ctx, params object[] vars)
    {
        var x = (torch.Tensor)vars[0];
        ctx.save_for_backward([x]);
        return x.pow(3);
    }

    public override List<torch.Tensor> backward(torch.autograd.AutogradContext ctx, torch.Tensor grad_output)
    {
        var x = ctx.get_saved_variables()[0];
        return [grad_output * 3 * x.square()]; // one gradient for each argument of apply
    }
}

internal static class GradientCheckingSnippet3
{
    internal static bool Run()
    {
        using var x = torch.tensor(new[] { 2.0 }, requires_grad: true);
        using var y = CubeFunction.apply(x);
        y.sum().backward();
        using var gradient = x.grad!;
        return y.item<double>() == 8 && gradient.item<double>() == 12;
    }
}
