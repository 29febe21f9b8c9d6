using System.Text.Json;
using TorchSharp.Modules;
using TorchSharp.Tests.Fixtures;
using Xunit;
using static TorchSharp.torch;

namespace TorchSharp.Tests.NN;

public class ClippingTests
{
    private static readonly JsonElement Cases = Fixture.Read("clipping.json");

    public static IEnumerable<TheoryDataRow<string>> Names => Fixture.Names(Cases);

    [Theory]
    [MemberData(nameof(Names))]
    public void The_common_norm_is_clipped_as_by_PyTorch(string name)
    {
        JsonElement fixture = Fixture.Case(Cases, name);
        using DisposeScope scope = NewDisposeScope();
        List<Parameter> parameters = [new Parameter(zeros(3, 2)), new Parameter(zeros(4)), new Parameter(zeros(2))];
        for (int i = 0; i < 2; i++)
        {
            parameters[i].grad = Fixture.Tensor(fixture.GetProperty("before")[i]);
        }

        JsonElement order = fixture.GetProperty("order");
        double norm = order.ValueKind == JsonValueKind.String ? double.PositiveInfinity : order.GetDouble();
        double total = nn.utils.clip_grad_norm_(parameters, fixture.GetProperty("limit").GetDouble(), norm);
        Fixture.Close(fixture.GetProperty("total").GetDouble(), total, "norm");
        for (int i = 0; i < 2; i++)
        {
            Fixture.Close(fixture.GetProperty("after")[i], parameters[i].grad!, $"gradient {i}");
        }

        Assert.Null(parameters[2].grad);
    }

    [Fact]
    public void Values_are_clipped_on_both_sides()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter parameter = new(zeros(3));
        parameter.grad = tensor([-2f, 0.25f, 3f]);
        nn.utils.clip_grad_value_([parameter], 0.5);
        Assert.Equal([-0.5f, 0.25f, 0.5f], parameter.grad!.data<float>().ToArray());
    }

    [Fact]
    public void Parameters_go_to_a_vector_and_back()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter[] parameters = [new Parameter(arange(6).reshape(2, 3).to(ScalarType.Float32)), new Parameter(full(2, 9f))];
        Tensor vector = nn.utils.parameters_to_vector(parameters);
        Assert.Equal([0f, 1f, 2f, 3f, 4f, 5f, 9f, 9f], vector.detach().data<float>().ToArray());
        nn.utils.vector_to_parameters(vector.detach() * 2, parameters);
        Assert.Equal([0f, 2f, 4f, 6f, 8f, 10f], parameters[0].data<float>().ToArray());
        Assert.Equal([18f, 18f], parameters[1].data<float>().ToArray());
    }
}
