using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharpSoftmax.Tests;

/// <summary>Steps of layers with every gate, with a collector running beside: nothing accumulates.</summary>
[BestWidthOnly]
public sealed class MoELeakTests(ITestOutputHelper output)
{
    // held: without one, add() makes a scalar that the collector may take while libtorch reads it
    private static readonly Scalar s_one = 1.ToScalar();

    private static readonly int Steps = Environment.GetEnvironmentVariable("TORCHSHARP_STANDIN_STRICT") == "1" ? 30 : 300;

    [Theory]
    [InlineData("top-k")]
    [InlineData("threshold")]
    [InlineData("activation")]
    [InlineData("noisy")]
    [InlineData("expert choice")]
    public void Training_steps_leave_nothing_behind(string kind)
    {
        using var scope = NewDisposeScope();
        using var moe = nn.MoE(MoETests.Gate(kind, ScalarType.Float32), Enumerable.Range(0, 5).Select(_ => nn.Linear(4, 3)), capacity_factor: 1.1);
        moe.train();
        var x = OperatorContract.Logits(new Random(1), [60, 4], ScalarType.Float32, 1).requires_grad_();
        Measure(kind, () =>
        {
            using (var outputs = moe.route(x))
            {
                using var balance = F.load_balance_loss_from_counts(outputs.routing.counts, outputs.routing.mean_probability);
                using var small = F.router_z_loss_from_lse(outputs.routing.lse);
                using var task = outputs.output.sum();
                using var some = task.add(balance, s_one);
                using var loss = some.add(small, s_one);
                loss.backward();
            }

            moe.zero_grad();
            x.grad = null;
        });
    }

    private void Measure(string what, Action step) => Live.AssertNothingAccumulates(output, what, Steps, step);
}
