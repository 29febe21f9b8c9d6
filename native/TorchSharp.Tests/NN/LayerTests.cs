using System.Text.Json;
using TorchSharp.Modules;
using TorchSharp.Tests.Fixtures;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.NN;

[Collection(Seeded.Name)]
public class LayerTests
{
    private static readonly JsonElement Cases = Fixture.Read("layers.json");

    public static IEnumerable<TheoryDataRow<string>> Names => Fixture.Names(Cases);

    [Theory]
    [MemberData(nameof(Names))]
    public void Values_and_gradients_are_PyTorchs(string name)
    {
        JsonElement fixture = Fixture.Case(Cases, name);
        using DisposeScope scope = NewDisposeScope();
        using nn.Module<Tensor, Tensor> module = Make(name);
        JsonElement parameters = fixture.GetProperty("parameters");
        Assert.Equal(parameters.EnumerateObject().Select(p => p.Name), module.named_parameters().Select(p => p.name));
        using (no_grad())
        {
            foreach ((string own, Parameter parameter) in module.named_parameters())
            {
                parameter.copy_(Fixture.Tensor(parameters.GetProperty(own)));
            }
        }

        bool differentiable = fixture.GetProperty("input_grad").ValueKind != JsonValueKind.Null;
        Tensor x = Fixture.Tensor(fixture.GetProperty("input"), differentiable ? ScalarType.Float32 : ScalarType.Int64);
        x.requires_grad = differentiable;
        Tensor y = module.call(x);
        Fixture.Close(fixture.GetProperty("output"), y, "output");
        if (!y.requires_grad)
        {
            return;
        }

        autograd.backward(y, [Fixture.Tensor(fixture.GetProperty("upstream"))]);
        if (differentiable)
        {
            Fixture.Close(fixture.GetProperty("input_grad"), x.grad!, "gradient of the input");
        }

        foreach ((string own, Parameter parameter) in module.named_parameters())
        {
            Fixture.Close(fixture.GetProperty("grads").GetProperty(own), parameter.grad!, $"gradient of {own}");
        }
    }

    [Fact]
    public void Dropout_drops_in_training_only_and_keeps_the_mean()
    {
        manual_seed(3);
        using DisposeScope scope = NewDisposeScope();
        using Dropout dropout = nn.Dropout(0.25);
        Tensor ones = torch.ones(100_000);
        float[] dropped = dropout.call(ones).data<float>().ToArray();
        Assert.InRange(dropped.Count(value => value == 0), 24_000, 26_000);
        Assert.All(dropped.Where(value => value != 0), value => Assert.Equal(1 / 0.75f, value, 1e-6f));
        dropout.eval();
        Assert.All(dropout.call(ones).data<float>().ToArray(), value => Assert.Equal(1, value));
    }

    [Fact]
    public void In_place_activations_write_into_their_input()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = tensor([-1f, 2f]);
        nn.ReLU(inplace: true).call(x);
        Assert.Equal([0f, 2f], x.data<float>().ToArray());
    }

    [Fact]
    public void Shapes_and_dtypes_of_the_factories_reach_the_parameters()
    {
        using Linear linear = nn.Linear(3, 2, hasBias: false, dtype: ScalarType.Float64);
        Assert.Null(linear.bias);
        Assert.Equal(ScalarType.Float64, linear.weight.dtype);
        Assert.Equal((3, 2), (linear.in_features, linear.out_features));
        using LayerNorm norm = nn.LayerNorm([2, 3], bias: false);
        Assert.Equal(["weight"], norm.named_parameters().Select(p => p.name));
        Assert.Equal([2, 3], norm.weight.shape);
        using Embedding embedding = nn.Embedding(7, 2);
        Assert.Equal([7, 2], embedding.weight.shape);
        Assert.Throws<ArgumentOutOfRangeException>(() => nn.Embedding(7, 2, padding_idx: 7));
        using Embedding frozen = nn.Embedding_from_pretrained(torch.ones(2, 2));
        Assert.False(frozen.weight.requires_grad);
    }

    private static nn.Module<Tensor, Tensor> Make(string name) => name switch
    {
        "Linear" => nn.Linear(6, 3),
        "Linear without bias" => nn.Linear(6, 3, hasBias: false),
        "LayerNorm" => nn.LayerNorm(6),
        "LayerNorm without affine" => nn.LayerNorm([4, 6], eps: 1e-3, elementwise_affine: false),
        "Embedding" => nn.Embedding(5, 3),
        "Embedding with padding" => nn.Embedding(5, 3, padding_idx: 2),
        "Embedding with max norm" => nn.Embedding(5, 3, max_norm: 0.5),
        "ReLU" => nn.ReLU(),
        "LeakyReLU" => nn.LeakyReLU(0.2),
        "GELU" => nn.GELU(),
        "GELU by tanh" => nn.GELU(GELU.Approximate.tanh),
        "SiLU" => nn.SiLU(),
        "Sigmoid" => nn.Sigmoid(),
        "LogSigmoid" => nn.LogSigmoid(),
        "Tanh" => nn.Tanh(),
        "Softplus" => nn.Softplus(2, 3),
        "ELU" => nn.ELU(0.7),
        "Softmax" => nn.Softmax(1),
        "LogSoftmax" => nn.LogSoftmax(0),
        "Flatten" => nn.Flatten(0, 1),
        "Identity" => nn.Identity(),
        "Dropout in evaluation" => InEvaluation(nn.Dropout(0.5)),
        _ => throw new InvalidDataException($"The fixture names an unknown layer: {name}."),
    };

    private static Dropout InEvaluation(Dropout dropout)
    {
        dropout.eval();
        return dropout;
    }
}
