using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;
using Reduction = TorchSharp.torch.nn.Reduction;

namespace TorchSharpSoftmax.Tests;

/// <summary>The module: a linear layer's parameters and its start, and the function's values.</summary>
public sealed class LinearCrossEntropyModuleTests
{
    [Fact]
    public void It_has_the_parameters_and_the_start_of_a_linear_layer()
    {
        using var scope = NewDisposeScope();
        foreach (bool bias in (bool[])[false, true])
        {
            manual_seed(5);
            using var linear = nn.Linear(7, 11, bias);
            manual_seed(5);
            using var loss = nn.LinearCrossEntropyLoss(7, 11, bias);
            string[] names = bias ? ["linear.weight", "linear.bias"] : ["linear.weight"];
            Assert.Equal(names, loss.named_parameters().Select(parameter => parameter.name));
            Assert.Equal(names, loss.state_dict().Keys);
            foreach (var (expected, actual) in linear.parameters().Zip(loss.parameters()))
            {
                Assert.Equal(ElementAccess.Values(expected), ElementAccess.Values(actual));
            }
        }
    }

    [Fact]
    public void Its_values_are_the_functions_with_every_argument_in_its_place()
    {
        using var scope = NewDisposeScope();
        var random = new Random(1);
        var weight = ones(5) * 2;
        weight[3] = tensor(0.5f);
        var options = new LinearCrossEntropyOptions { softcap = 2, z_loss = 0.1 };
        using var loss = nn.LinearCrossEntropyLoss(
            4, 5, bias: true, dtype: ScalarType.Float32, reduction: Reduction.Sum, weight: weight, ignore_index: 2, label_smoothing: 0.1, options: options);
        var (x, y) = (OperatorContract.Logits(random, [6, 4], ScalarType.Float32, 1), tensor([0L, 2, 3, 4, 2, 1]));
        var expected = F.linear_cross_entropy(x, loss.linear.weight, y, loss.linear.bias, weight, Reduction.Sum, 2, 0.1, options);
        Assert.Equal(expected.item<float>(), loss.call(x, y).item<float>());
        Assert.Equal((2L, 0.1, Reduction.Sum), (loss.ignore_index!.Value, loss.label_smoothing, loss.reduction));
        Assert.Same(options, loss.options);
        var plain = F.linear_cross_entropy(x, loss.linear.weight, y, loss.linear.bias);
        Assert.NotEqual(plain.item<float>(), expected.item<float>());
    }

    [Fact]
    public void Its_head_moves_with_it_and_is_found_once_within_a_model()
    {
        using var scope = NewDisposeScope();
        using var loss = nn.LinearCrossEntropyLoss(4, 5, bias: true);
        loss.to(ScalarType.Float64);
        Assert.All(loss.parameters(), parameter => Assert.Equal(ScalarType.Float64, parameter.dtype));
        Assert.Equal(ScalarType.Float64, loss.linear.weight.dtype);
        using var model = new Model();
        Assert.Equal(["head.linear.weight", "head.linear.bias"], model.named_parameters().Select(parameter => parameter.name));
        Assert.Equal(2, model.state_dict().Count);
    }

    [Fact]
    public void Training_with_it_learns()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var loss = nn.LinearCrossEntropyLoss(8, 20, bias: true);
        var (x, y) = (OperatorContract.Logits(new Random(2), [40, 8], ScalarType.Float32, 1), tensor([.. Enumerable.Range(0, 40).Select(i => (long)(i % 20))]));
        using var optimizer = optim.SGD(loss.parameters(), 1.0);
        float[] losses = new float[60];
        for (int step = 0; step < losses.Length; step++)
        {
            using var inner = NewDisposeScope();
            optimizer.zero_grad();
            var value = loss.call(x, y);
            value.backward();
            optimizer.step();
            losses[step] = value.item<float>();
        }

        Assert.True(losses[^1] < losses[0] / 2, $"{losses[0]} to {losses[^1]}");
    }

    private sealed class Model : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly Modules.LinearCrossEntropyLoss head = nn.LinearCrossEntropyLoss(4, 5, bias: true);

        internal Model() : base(nameof(Model)) => RegisterComponents();

        public override Tensor forward(Tensor x, Tensor y) => head.call(x, y);
    }
}
