using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Tests;

/// <summary>Thousands of steps in every form, with nothing but <c>using</c>: no node, no tensor, no memory stays behind.</summary>
public sealed class PerpGradLeakTests(ITestOutputHelper output)
{
    // the stand-in's strict mode collects inside every step of a function: a fifth of the steps is as hard a test, and as long a one
    private static readonly int Steps = Environment.GetEnvironmentVariable("TORCHSHARP_STANDIN_STRICT") == "1" ? 400 : 2_000;

    [Fact]
    public void Ten_thousand_steps_of_the_optimizer_leave_nothing_behind()
    {
        var (w, g) = PerpGradTests.Pair(new Random(1), [50, 60], ScalarType.Float32);
        using var strided = w.transpose(0, 1);
        using var contiguous = strided.contiguous();
        using var parameter = PerpGradTests.With(w, g);
        using var other = PerpGradTests.With(strided, contiguous);
        foreach (var granularity in (PerpGradGranularity[])[PerpGradGranularity.Tensor, PerpGradGranularity.Global])
        {
            using var optimizer = optim.PerpGrad(optim.SGD([parameter, other], 1e-6), granularity);
            Measure($"optimizer {granularity}", 5_000, () => optimizer.step());
        }

        w.Dispose();
        g.Dispose();
    }

    [Fact]
    public void Thousands_of_applications_of_the_function_leave_nothing_behind()
    {
        var (w, g) = PerpGradTests.Pair(new Random(1), [50, 60], ScalarType.Float32);
        using var weight = w.requires_grad_();
        using var upstream = g;
        Measure("function", Steps, () =>
        {
            using var y = nn.functional.perp_grad(weight);
            using var product = y * upstream;
            using var loss = product.sum();
            loss.backward();
            weight.grad = null;
        });
    }

    [Fact]
    public void Second_derivatives_and_metrics_leave_nothing_behind()
    {
        var (w, g) = PerpGradTests.Pair(new Random(1), [5, 6], ScalarType.Float64);
        using var weight = w.requires_grad_();
        using var upstream = g;
        using var parameter = PerpGradTests.With(w.detach(), g);
        Measure("second derivative", 300, () =>
        {
            using var scope = NewDisposeScope();
            var y = nn.functional.perp_grad(weight, PerpGradGranularity.Row);
            var first = autograd.grad([(y * upstream).sum()], [weight], retain_graph: true, create_graph: true)[0];
            (first * first * upstream).sum().backward();
            weight.grad = null;
        });
        Measure("metrics", 300, () =>
        {
            nn.utils.softmax_collapse_fraction(upstream, ScalarType.Float16);
            nn.utils.zero_loss_fraction(upstream);
            nn.utils.naive_loss_minimization_cosine([parameter]);
        });
    }

    private void Measure(string what, int steps, Action step)
    {
        for (int i = 0; i < steps / 4; i++)
        {
            step();
        }

        var warm = (Live.Nodes, Settled());
        double resident = Live.ResidentMiB();
        for (int i = 0; i < steps; i++)
        {
            step();
        }

        var end = (Live.Nodes, Settled());
        output.WriteLine($"{what}: {warm}, {resident} MiB, then {end}, {Live.ResidentMiB()} MiB");
        Assert.Equal(warm, end);
        Assert.InRange(Live.ResidentMiB(), 0, resident + 8);
    }

    private static long Settled()
    {
        Live.Collect();
        return Tensor.TotalCount;
    }
}
