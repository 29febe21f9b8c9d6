using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class QuickStartSnippet3
{
    internal static bool Run()
    {
        var model = torch.nn.Sequential(("hidden", torch.nn.Linear(8, 16)), ("softmax", torch.nn.Softmax(1)));

        var result = model.UseTwoPassSoftmax();
        Console.WriteLine(result);               // softmax: TwoPassSoftmax

        return result.ToString() == "softmax: TwoPassSoftmax";
    }
}
