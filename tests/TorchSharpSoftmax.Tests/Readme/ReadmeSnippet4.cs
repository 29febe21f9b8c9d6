using static TorchSharp.torch;
using static TorchSharpSoftmax.Operators;

namespace ReadmeSnippets;

internal static class ReadmeSnippet4
{
    internal static bool Run()
    {
        var logits = randn(2, 3);
        var p = two_pass_softmax(logits, dim: 1);

        return p.allclose(logits.softmax(1));
    }
}
