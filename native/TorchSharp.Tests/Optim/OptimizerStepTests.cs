using System.Text.Json;
using TorchSharp.Modules;
using TorchSharp.Tests.Fixtures;
using Xunit;

namespace TorchSharp.Tests.Optim;

public class OptimizerStepTests
{
    private static readonly JsonElement Cases = Fixture.Read("optimizers.json");

    public static IEnumerable<TheoryDataRow<string>> Names => Fixture.Names(Cases);

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_step_is_PyTorchs_to_1e_6(string name)
    {
        JsonElement fixture = Fixture.Case(Cases, name);
        using DisposeScope scope = torch.NewDisposeScope();
        Parameter[] parameters = Start(fixture);
        using torch.optim.Optimizer optimizer = Make(fixture, parameters);
        int number = 0;
        foreach (JsonElement step in fixture.GetProperty("steps").EnumerateArray())
        {
            SetGradients(parameters, step);
            Assert.Null(optimizer.step());
            CheckParameters(parameters, step, $"step {++number}");
        }

        Assert.True(number > 3);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_saved_and_loaded_optimizer_goes_on_bit_for_bit(string name)
    {
        JsonElement fixture = Fixture.Case(Cases, name);
        using DisposeScope scope = torch.NewDisposeScope();
        Parameter[] straight = Start(fixture);
        using OptimizerHelper first = (OptimizerHelper)Make(fixture, straight);
        List<JsonElement> steps = [.. fixture.GetProperty("steps").EnumerateArray()];
        int half = steps.Count / 2;
        foreach (JsonElement step in steps.Take(half))
        {
            SetGradients(straight, step);
            first.step();
        }

        using MemoryStream stream = new();
        first.save_state_dict(new BinaryWriter(stream));
        stream.Position = 0;

        Parameter[] resumed = [.. straight.Select(parameter => new Parameter(parameter.detach().clone()))];
        using OptimizerHelper second = (OptimizerHelper)Make(fixture, resumed);
        second.load_state_dict(new BinaryReader(stream));
        Assert.Equal(stream.Length, stream.Position);

        Parameter[] copied = [.. straight.Select(parameter => new Parameter(parameter.detach().clone()))];
        using OptimizerHelper third = (OptimizerHelper)Make(fixture, copied);
        third.load_state_dict(first.state_dict());
        Assert.All(first.state_dict().State.Zip(third.state_dict().State), pair => Assert.True(pair.First.ApproximatelyEquals(pair.Second)));

        foreach (JsonElement step in steps.Skip(half))
        {
            foreach ((Parameter[] parameters, OptimizerHelper optimizer) in new[] { (straight, first), (resumed, second), (copied, third) })
            {
                SetGradients(parameters, step);
                optimizer.step();
            }
        }

        for (int i = 0; i < straight.Length; i++)
        {
            Assert.Equal(straight[i].bytes.ToArray(), resumed[i].bytes.ToArray());
            Assert.Equal(straight[i].bytes.ToArray(), copied[i].bytes.ToArray());
        }
    }

    private static Parameter[] Start(JsonElement fixture) =>
        [.. fixture.GetProperty("start").EnumerateArray().Select(packed => new Parameter(Fixture.Tensor(packed)))];

    private static void SetGradients(Parameter[] parameters, JsonElement step)
    {
        foreach ((Parameter parameter, JsonElement gradient) in parameters.Zip(step.GetProperty("gradients").EnumerateArray()))
        {
            using torch.Tensor grad = Fixture.Tensor(gradient);
            parameter.grad = grad;
        }
    }

    private static void CheckParameters(Parameter[] parameters, JsonElement step, string what)
    {
        int i = 0;
        foreach (JsonElement after in step.GetProperty("after").EnumerateArray())
        {
            Fixture.Close(after, parameters[i], $"{what}, parameter {i}");
            i++;
        }
    }

    private static torch.optim.Optimizer Make(JsonElement fixture, Parameter[] parameters)
    {
        JsonElement options = fixture.GetProperty("options");
        List<JsonElement> groups = fixture.GetProperty("groups") is { ValueKind: JsonValueKind.Array } array ? [.. array.EnumerateArray()] : [];
        double lr = Fixture.Number(options, "lr", double.NaN);
        double decay = Fixture.Number(options, "weight_decay", 0);
        double eps = Fixture.Number(options, "eps", 1e-8);
        double momentum = Fixture.Number(options, "momentum", 0);
        bool amsgrad = Fixture.Flag(options, "amsgrad");
        bool maximize = Fixture.Flag(options, "maximize");
        (double beta1, double beta2) = Betas(options) ?? (0.9, 0.999);
        switch (fixture.GetProperty("kind").GetString())
        {
            case "SGD":
                double dampening = Fixture.Number(options, "dampening", 0);
                bool nesterov = Fixture.Flag(options, "nesterov");
                return groups.Count == 0
                    ? torch.optim.SGD(parameters, lr, momentum, dampening, decay, nesterov, maximize)
                    : torch.optim.SGD(
                        groups.Select((group, i) => new SGD.ParamGroup([parameters[i]], new SGD.Options
                        {
                            LearningRate = Maybe(group, "lr"),
                            momentum = Maybe(group, "momentum"),
                            weight_decay = Maybe(group, "weight_decay"),
                        })),
                        lr, momentum, dampening, decay, nesterov, maximize);
            case "Adam":
                return groups.Count == 0
                    ? torch.optim.Adam(parameters, lr, beta1, beta2, eps, decay, amsgrad, maximize)
                    : torch.optim.Adam(
                        groups.Select((group, i) => new Adam.ParamGroup([parameters[i]], new Adam.Options
                        {
                            LearningRate = Maybe(group, "lr"),
                            beta1 = Betas(group)?.Item1,
                            beta2 = Betas(group)?.Item2,
                            weight_decay = Maybe(group, "weight_decay"),
                        })),
                        lr, beta1, beta2, eps, decay, amsgrad, maximize);
            case "AdamW":
                return groups.Count == 0
                    ? torch.optim.AdamW(parameters, lr, beta1, beta2, eps, decay, amsgrad, maximize)
                    : torch.optim.AdamW(
                        groups.Select((group, i) => new AdamW.ParamGroup([parameters[i]], new AdamW.Options
                        {
                            LearningRate = Maybe(group, "lr"),
                            weight_decay = Maybe(group, "weight_decay"),
                        })),
                        lr, beta1, beta2, eps, decay, amsgrad, maximize);
            case "RMSprop":
                return torch.optim.RMSProp(
                    parameters, lr, Fixture.Number(options, "alpha", 0.99), eps, decay, momentum, Fixture.Flag(options, "centered"), maximize);
            default:
                throw new InvalidDataException($"The fixture names an unknown optimizer: {fixture.GetProperty("kind")}.");
        }
    }

    private static double? Maybe(JsonElement options, string name) =>
        options.TryGetProperty(name, out JsonElement value) ? value.GetDouble() : null;

    private static (double, double)? Betas(JsonElement options) =>
        options.TryGetProperty("betas", out JsonElement betas) ? (betas[0].GetDouble(), betas[1].GetDouble()) : null;
}
