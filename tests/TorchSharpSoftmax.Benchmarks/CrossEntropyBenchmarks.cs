using BenchmarkDotNet.Attributes;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>A loss of [rows, classes] logits ~ N(0, 2) and random targets, forward and backward through autograd.</summary>
public abstract class CrossEntropyWorkload : Workload
{
    private static Tensor s_logits = null!, s_target = null!;

    [ParamsSource(nameof(Shapes))]
    public Shape Shape { get; set; } = null!;

    /// <summary>Not virtual itself: BenchmarkDotNet counts an override twice.</summary>
    public IEnumerable<Shape> Shapes => Measured;

    /// <summary>[rows, classes]: the grokking example's, an image classifier's, a wide one's, a language model's.</summary>
    protected virtual IEnumerable<Shape> Measured => [new(5107, 113), new(32768, 100), new(4096, 1024), new(512, 32000)];

    internal override ICase Case => Shape;

    protected override IEnumerable<IDisposable> Make()
    {
        s_logits = Normal(Shape.Sizes, 1.41421356f, Shape.Dtype);
        s_target = randint(0, Shape.Length, [Shape.Outer], dtype: ScalarType.Int64);
        return [s_logits, s_target];
    }

    protected static void Full(Func<Tensor, Tensor, Tensor> loss)
    {
        using Tensor x = s_logits.detach().requires_grad_();
        using Tensor y = loss(x, s_target);
        y.backward();
        x.grad = null;
    }
}

/// <summary>Beside libtorch's cross_entropy of the same logits, which a user replaces.</summary>
public class CrossEntropy : CrossEntropyWorkload
{
    internal static readonly Table Table = new(
        "cross-entropy", "Cross-entropies of [rows, classes] logits, forward and backward through autograd.", nameof(Torch), "torch's cross_entropy, ns/element",
    [
        new("stablemax / torch", nameof(StableMax), nameof(Torch), new("stablemax_cross_entropy, forward and backward", "libtorch's cross_entropy")),
        new("collapse-free / torch", nameof(CollapseFree), nameof(Torch), new("collapse_free_cross_entropy, forward and backward", "libtorch's cross_entropy")),
    ], WithBlocksKept: true);

    protected override IEnumerable<Shape> Measured => [.. base.Measured, .. base.Measured.Select(shape => shape with { Dtype = ScalarType.BFloat16 })];

    [Benchmark(Baseline = true)]
    public void Torch() => Full(static (x, target) => functional.cross_entropy(x, target));

    [Benchmark]
    public void StableMax() => Full(static (x, target) => functional.stablemax_cross_entropy(x, target));

    [Benchmark]
    public void CollapseFree() => Full(static (x, target) => functional.collapse_free_cross_entropy(x, target));
}

/// <summary>Beside the paper's code, which needs float64 for what ours does in float32.</summary>
public class StableMaxReference : CrossEntropyWorkload
{
    internal static readonly Table Table = new(
        "cross-entropy", "stablemax_cross_entropy, forward and backward, beside the paper's code: libtorch's operators on the logits cast to float64.",
        nameof(Reference), "reference, ns/element",
        [new("ours / reference", nameof(Ours), nameof(Reference), new("stablemax_cross_entropy, forward and backward", "the paper's code, in float64"))]);

    [Benchmark(Baseline = true)]
    public void Reference() => Full(Composition.ReferenceStableMaxCrossEntropy);

    [Benchmark]
    public void Ours() => Full(static (x, target) => functional.stablemax_cross_entropy(x, target));
}
