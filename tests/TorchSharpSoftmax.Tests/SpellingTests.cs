using TorchSharp;
using static TorchSharp.torch;
using Alias = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>The names are found in every spelling that TorchSharp's users write.</summary>
public sealed class SpellingTests
{
    [Fact]
    public void Functions_are_on_torch_nn_functional_in_full_by_static_using_and_by_alias()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(1), [3, 4], ScalarType.Float32, 1);
        var expected = ElementAccess.Values(x.softmax(1));
        Tensor[] spelled =
        [
            TorchSharp.torch.nn.functional.two_pass_softmax(x, dim: 1),
            nn.functional.two_pass_softmax(x, 1), // using static TorchSharp.torch
            Alias.two_pass_softmax(x),
            Operators.two_pass_softmax(x), // F#, and C# before 14
            BareSpelling.Softmax(x), // using static TorchSharpSoftmax.Operators
        ];
        Assert.All(spelled, y => Assert.Equal(expected, ElementAccess.Values(y), (e, a) => Math.Abs(e - a) <= 1e-6));
    }

    [Fact]
    public void Modules_are_on_torch_nn_and_work_in_a_sequence()
    {
        using var scope = NewDisposeScope();
        var x = OperatorContract.Logits(new Random(1), [3, 4], ScalarType.Float32, 1);
        using var softmax = TorchSharp.torch.nn.TwoPassSoftmax(dim: 0);
        using Modules.TwoPassLogSoftmax logSoftmax = nn.TwoPassLogSoftmax(-1);
        Assert.Equal(0, softmax.dim);
        Assert.Equal(-1, logSoftmax.dim);
        Assert.Equal(ElementAccess.Values(nn.functional.two_pass_softmax(x, 0)), ElementAccess.Values(softmax.call(x)));
        Assert.Equal(ElementAccess.Values(nn.functional.two_pass_log_softmax(x)), ElementAccess.Values(logSoftmax.call(x)));
        using var model = nn.Sequential(nn.Linear(4, 5), nn.TwoPassSoftmax(1));
        Assert.Equal([3, 5], model.call(x).shape);
        Assert.Equal(2, model.parameters().Count());
    }
}
