using System.Text.Json;
using TorchSharp.Modules;
using TorchSharp.Tests.Fixtures;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.NN;

public class LossTests
{
    private static readonly JsonElement File = Fixture.Read("losses.json");

    public static IEnumerable<TheoryDataRow<string>> Names => Fixture.Names(File.GetProperty("cases"));

    [Theory]
    [MemberData(nameof(Names))]
    public void Values_and_gradients_are_PyTorchs(string name)
    {
        JsonElement fixture = Fixture.Case(File.GetProperty("cases"), name);
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Fixture.Tensor(fixture.GetProperty("input"));
        Tensor other = x.clone();
        x.requires_grad = true;
        Tensor loss = Loss(name, x, other);
        Fixture.Close(fixture.GetProperty("output"), loss, "loss");
        autograd.backward(loss, [Fixture.Tensor(fixture.GetProperty("upstream"))]);
        Fixture.Close(fixture.GetProperty("input_grad"), x.grad!, "gradient");
    }

    [Fact]
    public void A_loss_shows_what_it_was_made_with()
    {
        using Tensor weight = torch.ones(3);
        using CrossEntropyLoss loss = new(weight, 2, nn.Reduction.Sum, 0.1);
        Assert.Same(weight, loss.weight);
        Assert.Equal(2, loss.ignore_index);
        Assert.Equal(nn.Reduction.Sum, loss.reduction);
        Assert.Equal(0.1, loss.label_smoothing);
        using CrossEntropyLoss plain = nn.CrossEntropyLoss();
        Assert.Null(plain.weight);
        Assert.Null(plain.ignore_index);
        Assert.Equal(nn.Reduction.Mean, plain.reduction);
    }

    private static Tensor Loss(string name, Tensor x, Tensor other)
    {
        Tensor target = Fixture.Tensor(File.GetProperty("target"), ScalarType.Int64);
        Tensor weight = Fixture.Tensor(File.GetProperty("weight"));
        string kind = name.Split(',')[0];
        nn.Reduction reduction = name.Split(", ")[^1] switch
        {
            "none" => nn.Reduction.None,
            "sum" => nn.Reduction.Sum,
            _ => nn.Reduction.Mean,
        };
        return kind switch
        {
            "cross entropy" => nn.CrossEntropyLoss(reduction: reduction).call(x, target),
            "weighted cross entropy that ignores 1" => nn.CrossEntropyLoss(weight, 1, reduction).call(x, target),
            "smoothed weighted cross entropy" => new CrossEntropyLoss(weight, reduction: reduction, label_smoothing: 0.1).call(x, target),
            "weighted negative log likelihood" => nn.NLLLoss(weight, reduction).call(x, target),
            "mean squared error" => nn.MSELoss(reduction).call(x, other.flip(0)),
            "weighted binary cross entropy with logits" =>
                nn.BCEWithLogitsLoss(weight, reduction, weight + 1).call(x, other.flip(0).sigmoid()),
            "cross entropy with probabilities" =>
                new CrossEntropyLoss(weight, label_smoothing: 0.2).call(x, nn.functional.softmax(other.flip(0), 1)),
            _ => throw new InvalidDataException($"The fixture names an unknown loss: {name}."),
        };
    }
}
