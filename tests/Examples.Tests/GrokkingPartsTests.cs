using Grokking;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;
using Transformer = Grokking.Transformer;

namespace TorchSharpSoftmax.Examples.Tests;

/// <summary>The example's parts against plain definitions of them.</summary>
[Collection(InThisProcess.Name)]
public sealed class GrokkingPartsTests
{
    [Theory]
    [InlineData("Add")]
    [InlineData("Sub")]
    [InlineData("Mul")]
    public void Each_pair_is_there_once_with_its_result(string task)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var data = Tasks.Create(new Experiment { Task = Enum.Parse<TaskName>(task), P = 7, TrainFraction = 0.3 });

        Assert.Equal(14, data.TrainTarget.size(0)); // 0.3 * 49 = 14.7
        (long A, long B, long Result)[] pairs = [.. Pairs(data.TrainInput, data.TrainTarget), .. Pairs(data.TestInput, data.TestTarget)];
        Assert.Equal(49, pairs.Select(p => (p.A, p.B)).Distinct().Count());
        Assert.All(pairs, p => Assert.Equal((task switch { "Add" => p.A + p.B, "Sub" => p.A - p.B + 7, _ => p.A * p.B }) % 7, p.Result));
        Assert.NotEqual(pairs.Order(), pairs);

        static IEnumerable<(long, long, long)> Pairs(Tensor input, Tensor target)
        {
            Assert.Equal(2 * target.size(0), input.sum().item<float>());
            long[] a = [.. input.narrow(1, 0, 7).argmax(1).data<long>()];
            long[] b = [.. input.narrow(1, 7, 7).argmax(1).data<long>()];
            return a.Zip(b, target.data<long>());
        }
    }

    [Fact]
    public void Parity_is_that_of_the_first_bits_and_the_others_are_noise()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        using var data = Tasks.Create(new Experiment { Task = TaskName.Parity, ParityBits = 2, NoiseBits = 3, Samples = 101, TrainFraction = 0.5 });

        Assert.Equal((50, 51), (data.TrainTarget.size(0), data.TestTarget.size(0)));
        float[] bits = [.. data.TrainInput.contiguous().data<float>()];
        long[] target = [.. data.TrainTarget.data<long>()];
        Assert.All(Enumerable.Range(0, 50), row => Assert.Equal((long)(bits[5 * row] + bits[(5 * row) + 1]) % 2, target[row]));
        Assert.All(Enumerable.Range(0, 5), column => Assert.InRange(Enumerable.Range(0, 50).Sum(row => bits[(5 * row) + column]), 10, 40));
    }

    [Theory]
    [InlineData("Softmax", "F16")]
    [InlineData("Softmax", "F32")]
    [InlineData("Stablemax", "F16")]
    [InlineData("Stablemax", "F32")]
    [InlineData("CollapseFree", "F16")]
    [InlineData("CollapseFree", "F32")]
    public void A_loss_in_few_bits_is_near_that_in_float64_and_its_gradient_reaches_the_logits(string loss, string dtype)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        LossName name = Enum.Parse<LossName>(loss);
        ScalarType type = new Experiment { LossDtype = Enum.Parse<LossDtype>(dtype) }.Dtype;
        Tensor logits = randn(37, 11).mul(3).requires_grad_();
        Tensor exact = logits.detach().to_type(type).to_type(ScalarType.Float64).requires_grad_(); // the same rounded logits
        Tensor target = randint(0, 11, [37], dtype: ScalarType.Int64);
        Tensor upstream = rand(37);

        Tensor losses = Losses.PerSample(name, logits, target, type);
        (losses.to_type(ScalarType.Float32) * upstream).sum().backward();
        Tensor exactLosses = Losses.PerSample(name, exact, target, ScalarType.Float64);
        (exactLosses * upstream.to_type(ScalarType.Float64)).sum().backward();

        Assert.Equal(type, losses.dtype);
        double unit = 8 * (type == ScalarType.Float16 ? Math.Pow(2, -11) : Math.Pow(2, -24));
        AssertNear(exactLosses, losses, unit * exactLosses.abs().max().item<double>());
        AssertNear(exact.grad!, logits.grad!, unit);
    }

    [Fact]
    public void The_transformer_is_an_encoder_layer_whose_last_token_is_read()
    {
        using var scope = NewDisposeScope();
        manual_seed(6);
        const int Width = 8;
        using var model = new Transformer(tokens: 5, Width, dropout: 0.3);
        model.eval();
        Dictionary<string, Parameter> w = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        Tensor tokens = randint(0, 5, [9, 2], dtype: ScalarType.Int64);

        // The definition: every token attends, head by head, and only then the last one is taken.
        Tensor x = w["embedding.weight"][tokens];
        Tensor q = Linear("query", x);
        Tensor kv = Linear("keyvalue", x);
        var heads = new List<Tensor>();
        for (int at = 0; at < Width; at += Width / Transformer.Heads)
        {
            Tensor Part(Tensor t, int offset) => t.narrow(2, offset + at, Width / Transformer.Heads);
            Tensor scores = Part(q, 0).matmul(Part(kv, 0).transpose(1, 2)) / Math.Sqrt(Width / Transformer.Heads);
            heads.Add(scores.softmax(-1).matmul(Part(kv, Width)));
        }

        Tensor y = Norm("norm1", x + Linear("attended", cat(heads, 2)));
        Tensor z = Norm("norm2", y + Linear("contract", Linear("expand", y).relu()));
        Tensor expected = Linear("logits", z).select(1, 1);
        AssertNear(expected, model.call(tokens), 1e-6 * expected.abs().max().item<float>());

        model.train();
        AssertDiffers(model.call(tokens), model.call(tokens)); // dropout

        Tensor Linear(string layer, Tensor t) => t.matmul(w[layer + ".weight"].t()) + w[layer + ".bias"];
        Tensor Norm(string layer, Tensor t) => nn.functional.layer_norm(t, [Width], w[layer + ".weight"], w[layer + ".bias"]);
    }

    private static void AssertNear(Tensor expected, Tensor actual, double tolerance)
    {
        double worst = (expected.to_type(ScalarType.Float64) - actual.to_type(ScalarType.Float64)).abs().max().item<double>();
        Assert.True(worst <= tolerance, $"Off by {worst}; at most {tolerance} was expected.");
    }

    private static void AssertDiffers(Tensor a, Tensor b) => Assert.True((a - b).abs().max().item<float>() > 1e-3);
}
