using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class NumericsSnippet1
{
    internal static bool Run()
    {
        var wide = torch.randn(4, 1000) * 40;
        using var exact = wide.to_type(torch.float64).softmax(-1);
        double Error(torch.Tensor y) => ((y.to_type(torch.float64) - exact).abs() / (exact + 1e-30)).max().item<double>();

        double ours = Error(torch.nn.functional.two_pass_softmax(wide));     // below 1e-6
        double theirs = Error(wide.softmax(-1));                             // several times that

        return ours < 1e-6 && theirs > 3 * ours;
    }
}
