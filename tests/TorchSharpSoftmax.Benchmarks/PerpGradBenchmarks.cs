using BenchmarkDotNet.Attributes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>The parameters of a model: so many tensors of such sizes.</summary>
public sealed record Parameters(string Name, long[][] Sizes) : ICase
{
    public double Units => Sizes.Sum(sizes => sizes.Aggregate((a, b) => a * b));

    public override string ToString() => Name;
}

/// <summary>perpGrad on weights ~ N(0, 0.05^2) and gradients ~ N(0, 1), beside one step of AdamW on the same.</summary>
/// <remarks>A projected gradient is projected again by the next call: the same work, since the work does not depend on the numbers.</remarks>
public class PerpGrad : Workload
{
    internal static readonly Table Table = new(
        "perp-grad",
        "perpGrad, in place on the parameters' gradients, beside the same composed of libtorch's operators and beside one step of AdamW. In the last column 1.00 would mean that perpGrad is free.",
        nameof(FromOperators), "composed, ns/element",
    [
        new("perp_grad_ / composed", nameof(InPlace), nameof(FromOperators), new("perp_grad_", Headline.Composed)),
        new("perp_grad_ / AdamW step", nameof(InPlace), nameof(AdamW), new("perp_grad_", "one step of AdamW on the same parameters")),
        new("PerpGrad(AdamW) step / composed, then AdamW step", nameof(Step), nameof(FromOperatorsThenAdamW)),
        new("PerpGrad(AdamW) step / AdamW step", nameof(Step), nameof(AdamW)),
    ], Cases: "parameters");

    private static Parameter[] s_parameters = [];
    private static AdamW s_inner = null!;
    private static TorchSharpSoftmax.Modules.PerpGrad s_outer = null!;

    [ParamsSource(nameof(Sets))]
    public Parameters Set { get; set; } = null!;

    public static IEnumerable<Parameters> Sets { get; } =
    [
        new("p = 113 MLP: 226 x 200, 200 x 200, 200 x 113", [[200, 226], [200, 200], [113, 200]]),
        new("one of 10 M", [[10_000_000]]),
        new("100 of 4096", [.. Enumerable.Repeat(new long[] { 4096 }, 100)]),
    ];

    internal override ICase Case => Set;

    protected override IEnumerable<IDisposable> Make()
    {
        s_parameters = [.. Set.Sizes.Select(sizes => new Parameter(Normal(sizes, 0.05f).DetachFromDisposeScope()))];
        foreach (Parameter parameter in s_parameters)
        {
            parameter.grad = Normal([.. parameter.shape], 1).DetachFromDisposeScope();
        }

        s_inner = optim.AdamW(s_parameters, lr: 1e-6); // thousands of steps on one gradient: small ones
        s_outer = optim.PerpGrad(s_inner);
        return [s_outer, .. s_parameters];
    }

    [Benchmark(Baseline = true)]
    public void FromOperators() => Composition.PerpGrad(s_parameters);

    [Benchmark]
    public void InPlace() => nn.utils.perp_grad_(s_parameters);

    [Benchmark]
    public void AdamW() => s_inner.step();

    [Benchmark]
    public void Step() => s_outer.step();

    [Benchmark]
    public void FromOperatorsThenAdamW()
    {
        Composition.PerpGrad(s_parameters);
        s_inner.step();
    }
}
