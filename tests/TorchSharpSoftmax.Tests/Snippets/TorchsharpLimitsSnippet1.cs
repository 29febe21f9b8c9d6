using System.Runtime.InteropServices;
using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class TorchsharpLimitsSnippet1
{
    internal static bool Run()
    {
        var x = torch.randn(2, 3, requires_grad: true);
        using var saved = x * 1;
        var y = torch.nn.functional.stablemax(saved);   // saves its input
        using (torch.no_grad())
        {
            saved.add_(1);                              // which is changed here
        }

        try
        {
            y.sum().backward();
        }
        catch (ExternalException)
        {
            Console.WriteLine(Diagnostics.TakeBackwardError()?.Message); // one of the variables needed for gradient computation has been modified by an inplace operation ...
        }

        return Diagnostics.TakeBackwardError() is null;
    }
}
