using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

internal static class PerformanceSnippet1
{
    internal static bool Run()
    {
        var x = torch.randn(64, 4096);
        int before = torch.get_num_threads();

        torch.set_num_threads(1);
        var one = torch.nn.functional.two_pass_softmax(x);
        torch.set_num_threads(2);
        var two = torch.nn.functional.two_pass_softmax(x);
        bool same = one.bytes.SequenceEqual(two.bytes);

        torch.set_num_threads(before);

        return same;
    }
}
