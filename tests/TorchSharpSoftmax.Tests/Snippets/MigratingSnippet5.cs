using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class MigratingSnippet5
{
    internal static bool Run()
    {
        torch.nn.Module<torch.Tensor, torch.Tensor> Block() =>
            torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.GELU(), torch.nn.Linear(32, 16));

        var before = Block();
        var after = torch.nn.MoE(torch.nn.TopKGate(in_features: 16, num_experts: 4, k: 2), Enumerable.Range(0, 4).Select(_ => Block()));

        var x = torch.randn(2, 10, 16);
        var y = after.call(x);                                  // as before.call(x), of the same shape

        using var outputs = after.route(x);                     // the output, and what the gate said
        var routing = outputs.routing;
        var balance = torch.nn.functional.load_balance_loss_from_counts(routing.counts, routing.mean_probability);
        var small = torch.nn.functional.router_z_loss_from_lse(routing.lse);
        var loss = outputs.output.square().mean() + balance + small;

        loss.backward();
        return y.shape.SequenceEqual(before.call(x).shape) && y.allclose(outputs.output) && after.parameters().All(parameter => parameter.grad is not null);
    }
}
