using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class MigratingSnippet1
{
    internal static bool Run()
    {
        var model = torch.nn.Sequential(
            ("attention", torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Softmax(-1))),
            ("out", torch.nn.LogSoftmax(1)));
        var keys = model.state_dict().Keys.ToArray();

        var result = model.UseTwoPassSoftmax();
        foreach (var entry in result.replaced)
        {
            Console.WriteLine($"{entry.name} is a {entry.module.GetName()}"); // attention.1 is a TwoPassSoftmax, out is a TwoPassLogSoftmax
        }

        foreach (var entry in result.not_replaced)
        {
            Console.WriteLine($"{entry.name}: {entry.reason}");               // nothing here
        }

        bool same = keys.SequenceEqual(model.state_dict().Keys);

        return same && string.Join(' ', result.replaced) == "attention.1: TwoPassSoftmax out: TwoPassLogSoftmax" && result.not_replaced.Count == 0;
    }
}
