using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class MigratingSnippet6
{
    internal static bool Run()
    {
        var model = torch.nn.Linear(4, 3);

        var before = torch.optim.AdamW(model.parameters(), lr: 1e-3);
        var after = torch.optim.PerpGrad(torch.optim.AdamW(model.parameters(), lr: 1e-3));

        var scheduler = torch.optim.lr_scheduler.StepLR(after, step_size: 10);

        after.step();
        scheduler.step();
        return before.ParamGroups.Count() == after.ParamGroups.Count();
    }
}
