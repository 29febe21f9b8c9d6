using TorchSharp;
using TorchSharpSoftmax;

namespace Snippets;

/// <summary>What the pages' comments say of a tensor, held to it.</summary>
internal static class Snippet
{
    /// <summary>The elements, to the digits of a page: within 1e-4 of the numbers, NaN and infinities as they are.</summary>
    internal static bool Near(torch.Tensor x, params double[] numbers)
    {
        double[] values = ElementAccess.Values(x);
        return values.Length == numbers.Length && values.Zip(numbers).All(pair => pair.First.Equals(pair.Second) || Math.Abs(pair.First - pair.Second) <= 1e-4);
    }
}
