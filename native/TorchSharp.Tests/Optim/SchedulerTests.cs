using System.Text.Json;
using TorchSharp.Modules;
using TorchSharp.Tests.Fixtures;
using Xunit;
using static TorchSharp.torch.optim;

namespace TorchSharp.Tests.Optim;

public class SchedulerTests
{
    private static readonly JsonElement Cases = Fixture.Read("schedulers.json");

    public static IEnumerable<TheoryDataRow<string>> Names => Fixture.Names(Cases);

    [Theory]
    [MemberData(nameof(Names))]
    public void The_rates_of_two_groups_are_PyTorchs(string name)
    {
        using SGD optimizer = TwoGroups();
        lr_scheduler.LRScheduler scheduler = Make(name, optimizer);
        int epoch = 0;
        foreach (JsonElement rates in Fixture.Case(Cases, name).GetProperty("rates").EnumerateArray())
        {
            if (epoch > 0)
            {
                scheduler.step();
            }

            double[] expected = [.. rates.EnumerateArray().Select(rate => rate.GetDouble())];
            double[] actual = [.. optimizer.ParamGroups.Select(group => group.LearningRate)];
            Assert.Equal(2, expected.Length);
            for (int i = 0; i < 2; i++)
            {
                Fixture.Close(expected[i], actual[i], $"group {i} in epoch {epoch}", 1e-12);
            }

            epoch++;
        }

        Assert.True(epoch > 10);
    }

    [Theory]
    [InlineData("StepLR")]
    [InlineData("MultiStepLR")]
    [InlineData("ExponentialLR")]
    [InlineData("LambdaLR")]
    [InlineData("ConstantLR")]
    [InlineData("LinearLR")]
    [InlineData("PolynomialLR")]
    [InlineData("CosineAnnealingLR")]
    public void A_step_to_a_given_epoch_gives_the_rate_of_that_epoch(string name)
    {
        const int Epoch = 7;
        using SGD optimizer = TwoGroups();
        lr_scheduler.LRScheduler scheduler = Make(name, optimizer);
        scheduler.step(Epoch);
        JsonElement rates = Fixture.Case(Cases, name).GetProperty("rates")[Epoch];
        double[] last = [.. scheduler.get_last_lr()];
        for (int i = 0; i < 2; i++)
        {
            Fixture.Close(rates[i].GetDouble(), last[i], $"group {i}", 1e-12);
        }
    }

    [Fact]
    public void A_scheduler_works_on_any_optimizer_that_shows_its_groups()
    {
        using SGD inner = TwoGroups();
        using Wrapper wrapper = new(inner);
        lr_scheduler.LRScheduler scheduler = lr_scheduler.ExponentialLR(wrapper, 0.5);
        scheduler.step();
        Assert.Equal([0.25, 0.01], inner.ParamGroups.Select(group => group.LearningRate));
    }

    [Fact]
    public void A_wrapper_that_overrides_nothing_fails_on_its_null_handle()
    {
        using Bare bare = new();
        Assert.Throws<ArgumentNullException>(() => bare.step());
        Assert.Throws<ArgumentNullException>(bare.zero_grad);
        Assert.Throws<ArgumentNullException>(() => bare.parameters().Count());
    }

    private static SGD TwoGroups() => torch.optim.SGD(
        [
            new SGD.ParamGroup([new Parameter(torch.zeros(1))], lr: 0.5),
            new SGD.ParamGroup([new Parameter(torch.zeros(1))], lr: 0.02),
        ],
        1);

    private static lr_scheduler.LRScheduler Make(string name, Optimizer optimizer) => name switch
    {
        "StepLR" => lr_scheduler.StepLR(optimizer, 4, gamma: 0.3),
        "MultiStepLR" => lr_scheduler.MultiStepLR(optimizer, [2, 5, 9], gamma: 0.5),
        "ExponentialLR" => lr_scheduler.ExponentialLR(optimizer, 0.8),
        "LambdaLR" => lr_scheduler.LambdaLR(optimizer, epoch => 1.0 / (1 + epoch)),
        "MultiplicativeLR" => lr_scheduler.MultiplicativeLR(optimizer, epoch => 0.9 + (0.01 * epoch)),
        "ConstantLR" => lr_scheduler.ConstantLR(optimizer, factor: 0.25, total_iters: 3),
        "LinearLR" => lr_scheduler.LinearLR(optimizer, start_factor: 0.2, end_factor: 1.0, total_iters: 6),
        "PolynomialLR" => lr_scheduler.PolynomialLR(optimizer, total_iters: 8, power: 2),
        "CosineAnnealingLR" => lr_scheduler.CosineAnnealingLR(optimizer, T_max: 5, eta_min: 0.001),
        "SequentialLR" => lr_scheduler.SequentialLR(
            optimizer,
            [lr_scheduler.LinearLR(optimizer, start_factor: 0.1, end_factor: 1.0, total_iters: 4), lr_scheduler.ExponentialLR(optimizer, 0.9)],
            [4]),
        _ => throw new InvalidDataException($"The fixture names an unknown scheduler: {name}."),
    };

    private sealed class Bare() : Optimizer(IntPtr.Zero);

    private sealed class Wrapper(Optimizer inner) : Optimizer(IntPtr.Zero)
    {
        public override IEnumerable<ILearningRateController> ParamGroups => inner.ParamGroups;
    }
}
