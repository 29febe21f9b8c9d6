using System.Text.Json;
using TorchSharp.Modules;
using TorchSharp.Tests.Fixtures;
using Xunit;

namespace TorchSharp.Tests.Optim;

public class LBFGSTests
{
    private static readonly JsonElement Cases = Fixture.Read("lbfgs.json");

    public static IEnumerable<TheoryDataRow<string>> Names => Fixture.Names(Cases);

    [Theory]
    [MemberData(nameof(Names))]
    public void On_the_Rosenbrock_function_every_step_is_PyTorchs(string name)
    {
        JsonElement fixture = Fixture.Case(Cases, name);
        JsonElement options = fixture.GetProperty("options");
        long before = Live.Tensors;
        using (Parameter point = new(torch.tensor([-1.5, 2.0], torch.ScalarType.Float64)))
        using (LBFGS optimizer = torch.optim.LBFGS(
            [point],
            lr: options.GetProperty("lr").GetDouble(),
            max_iter: options.GetProperty("max_iter").GetInt64(),
            history_size: options.GetProperty("history_size").GetInt64()))
        {
            int number = 0;
            foreach (JsonElement step in fixture.GetProperty("steps").EnumerateArray())
            {
                using torch.Tensor? loss = optimizer.step(() => Rosenbrock(optimizer, point));
                Fixture.Close(step.GetProperty("loss").GetDouble(), loss!.item<double>(), $"the loss of step {++number}");
                Fixture.Close(step.GetProperty("after"), point, $"the point after step {number}");
            }
        }

        Assert.Equal(before, Live.Tensors);
    }

    [Fact]
    public void It_has_one_group_and_does_not_step_without_a_closure()
    {
        using Parameter point = new(torch.zeros(2));
        using LBFGS optimizer = torch.optim.LBFGS([point]);
        Assert.Same(point, Assert.Single(optimizer.parameters()));
        Assert.Equal(0.01, Assert.Single(optimizer.ParamGroups).LearningRate);
        Assert.Throws<ArgumentNullException>(() => optimizer.step(null!));
    }

    private static torch.Tensor Rosenbrock(LBFGS optimizer, Parameter point)
    {
        optimizer.zero_grad();
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor x = point.narrow(0, 0, 1);
        torch.Tensor y = point.narrow(0, 1, 1);
        torch.Tensor loss = ((1 - x).pow(2) + (10 * (y - x.pow(2)).pow(2))).sum();
        loss.backward();
        return loss.MoveToOuterDisposeScope();
    }
}
