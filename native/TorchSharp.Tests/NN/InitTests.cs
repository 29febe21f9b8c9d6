using System.Runtime.InteropServices;
using System.Text.Json;
using TorchSharp.Tests.Fixtures;
using Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Tests.NN;

[Collection(Seeded.Name)]
public class InitTests
{
    private static readonly JsonElement File = Fixture.Read("init.json");

    public static IEnumerable<TheoryDataRow<string>> Names => Fixture.Names(File.GetProperty("cases"));

    [Theory]
    [MemberData(nameof(Names))]
    public void The_same_seed_gives_PyTorchs_numbers(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(1234);
        Dictionary<string, Tensor> tensors = Make(name);
        JsonElement expected = Fixture.Case(File.GetProperty("cases"), name).GetProperty("tensors");
        Assert.Equal(expected.EnumerateObject().Select(t => t.Name), tensors.Keys);
        foreach (JsonProperty entry in expected.EnumerateObject())
        {
            Fixture.Close(entry.Value, tensors[entry.Name], entry.Name);
        }
    }

    [Fact]
    public void Gains_are_PyTorchs()
    {
        JsonElement gains = File.GetProperty("gains");
        Assert.Equal(gains.GetProperty("linear").GetDouble(), init.calculate_gain(init.NonlinearityType.Linear));
        Assert.Equal(gains.GetProperty("sigmoid").GetDouble(), init.calculate_gain(init.NonlinearityType.Sigmoid));
        Assert.Equal(gains.GetProperty("tanh").GetDouble(), init.calculate_gain(init.NonlinearityType.Tanh));
        Assert.Equal(gains.GetProperty("relu").GetDouble(), init.calculate_gain(init.NonlinearityType.ReLU));
        Assert.Equal(gains.GetProperty("leaky_relu of 0.2").GetDouble(), init.calculate_gain(init.NonlinearityType.LeakyReLU, 0.2));
    }

    [Fact]
    public void Fans_count_the_receptive_field()
    {
        using Tensor kernel = empty(8, 3, 5, 7);
        Assert.Equal((3 * 35, 8 * 35), init.CalculateFanInAndFanOut(kernel));
        using Tensor vector = empty(8);
        Assert.Throws<ArgumentException>(() => init.CalculateFanInAndFanOut(vector));
        Assert.Throws<ExternalException>(() => init.kaiming_uniform_(vector));
        Assert.Throws<ExternalException>(() => init.xavier_uniform_(vector));
    }

    [Fact]
    public void A_parameter_is_filled_in_place_and_stays_a_leaf()
    {
        using Modules.Parameter parameter = Parameter(zeros(3));
        long before = Live.Tensors;
        Assert.Same(parameter, init.constant_(parameter, 2.5));
        Assert.Equal(before, Live.Tensors);
        Assert.Equal([2.5f, 2.5f, 2.5f], parameter.data<float>().ToArray());
        Assert.True(parameter.is_leaf);
        Assert.True(parameter.requires_grad);
    }

    private static Dictionary<string, Tensor> Make(string name) => name switch
    {
        "Linear" => Linear(5, 3).state_dict(),
        "Embedding with padding" => Embedding(4, 3, padding_idx: 1).state_dict(),
        "LayerNorm" => LayerNorm(4).state_dict(),
        "uniform" => One(init.uniform_(empty(4, 3), -0.3, 0.8)),
        "normal" => One(init.normal_(empty(4, 3), 0.5, 2)),
        "truncated normal" => One(init.trunc_normal_(empty(4, 5), 0.1, 1.5, -1, 2)),
        "kaiming uniform" => One(init.kaiming_uniform_(empty(4, 3, 2), a: 0.3)),
        "kaiming normal" => One(init.kaiming_normal_(empty(4, 3), mode: init.FanInOut.FanOut, nonlinearity: init.NonlinearityType.ReLU)),
        "xavier uniform" => One(init.xavier_uniform_(empty(4, 3), 1.7)),
        "xavier uniform in place of normal" => One(init.xavier_normal_(empty(4, 3), 0.4)),
        "identity" => One(init.eye_(empty(3, 4))),
        _ => throw new InvalidDataException($"The fixture names an unknown initialisation: {name}."),
    };

    private static Dictionary<string, Tensor> One(Tensor tensor) => new() { ["tensor"] = tensor };
}
