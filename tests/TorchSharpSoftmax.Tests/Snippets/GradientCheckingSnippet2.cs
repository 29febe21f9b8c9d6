using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class GradientCheckingSnippet2
{
    internal static bool Run()
    {
        var x = torch.tensor(new[] { 1.0, 2.0 }, requires_grad: true);
        try
        {
            torch.autograd.gradcheck(x => x * x.detach(), x);
        }
        catch (GradcheckException error)
        {
            Console.WriteLine(error.Message); // names the output, the input, the elements and both numbers
        }

        bool right = torch.autograd.gradcheck(x => x * x.detach(), x, raise_exception: false); // false

        var wrong = Xunit.Assert.Throws<GradcheckException>(() => torch.autograd.gradcheck(x => x * x.detach(), x));
        return !right && wrong.Message.Contains("output", StringComparison.Ordinal) && wrong.Message.Contains("input", StringComparison.Ordinal);
    }
}
