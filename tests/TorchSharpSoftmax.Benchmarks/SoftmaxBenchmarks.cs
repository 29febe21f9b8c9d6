using BenchmarkDotNet.Attributes;
using TorchSharpSoftmax.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpSoftmax.Benchmarks;

public abstract class SoftmaxWorkload : RowWorkload
{
    /// <summary>From a row that fits L1 to one that fits no cache, then the row-wise shapes of models, then another dim and another dtype.</summary>
    protected override IEnumerable<Shape> Measured =>
    [
        .. Enumerable.Range(0, 9).Select(i => new Shape(1, 1024L << (2 * i))),
        new(32768, 100), new(4096, 1024), new(1024, 32000), new(256, 50257), new(64, 256000),
        new(64, 1000, 256),
        new(1, 1 << 24, 1, ScalarType.BFloat16), new(1, 1 << 26, 1, ScalarType.BFloat16), new(1024, 32000, 1, ScalarType.BFloat16),
        new(1, 1 << 22, 1, ScalarType.Float64),
    ];
}

/// <summary>softmax(x) into an output that exists.</summary>
public class SoftmaxForward : SoftmaxWorkload
{
    internal static readonly Table Table = new(
        "softmax",
        "softmax into an output that exists. The limit is what memory allows: the same reads and writes with next to no arithmetic. libtorch never splits a lone row over threads.",
        nameof(Torch), "torch, ns/element",
    [
        new("auto / torch", nameof(Auto), nameof(Torch), new("softmax, into an output that exists", "libtorch's")),
        new("two-pass / torch", nameof(TwoPass), nameof(Torch)),
        new("three-pass / torch", nameof(ThreePass), nameof(Torch)),
        new Between("two-pass / three-pass", nameof(TwoPass), nameof(ThreePass)),
        new("auto / limit (read + streamed scale)", nameof(Auto), nameof(LimitStreamed)),
        new("auto / limit (read + scale)", nameof(Auto), nameof(Limit)),
    ], AtLesserWidths: true);

    [Benchmark(Baseline = true)]
    public void Torch() => Peer.SoftmaxOut(X, Dim, Out);

    [Benchmark]
    public void TwoPass() => Ours(SoftmaxAlgorithm.TwoPass);

    [Benchmark]
    public void ThreePass() => Ours(SoftmaxAlgorithm.ThreePass);

    [Benchmark]
    public void Auto() => Ours(SoftmaxAlgorithm.Auto);

    [Benchmark]
    public void LimitStreamed() => Limits.ReadThenScale(X, Out, Shape, Threads, streamed: true);

    [Benchmark]
    public void Limit() => Limits.ReadThenScale(X, Out, Shape, Threads, streamed: false);

    private void Ours(SoftmaxAlgorithm algorithm) => functional.two_pass_softmax(X, Dim, algorithm: algorithm, @out: Out);
}

/// <summary>dx = y (dy - sum(dy y)) into an output that exists.</summary>
public class SoftmaxBackward : SoftmaxWorkload
{
    internal static readonly Table Table = new("softmax", "The gradient of softmax by itself, into an output that exists.", nameof(Torch), "torch, ns/element",
    [
        new("ours / torch", nameof(Ours), nameof(Torch)),
        new("ours / limit (read two + streamed combine)", nameof(Ours), nameof(LimitStreamed)),
    ]);

    [Benchmark(Baseline = true)]
    public void Torch() => Peer.SoftmaxBackwardOut(Dy, Y, Dim, Out);

    [Benchmark]
    public void Ours() => Benchmarks.Ours.SoftmaxBackward(Y, Dy, Out, Shape, Threads);

    [Benchmark]
    public void LimitStreamed() => Limits.ReadTwoThenCombine(Y, Dy, Out, Shape, Threads);
}

/// <summary>softmax(x) into a fresh output: what a plain call costs.</summary>
public class SoftmaxAllocating : SoftmaxWorkload
{
    internal static readonly Table Table = new("softmax", "softmax into a fresh output: what a plain call costs.", nameof(Torch), "torch, ns/element",
        [new("ours / torch", nameof(Ours), nameof(Torch))],
        WithBlocksKept: true);

    [Benchmark(Baseline = true)]
    public void Torch() => X.softmax(Dim).Dispose();

    [Benchmark]
    public void Ours() => functional.two_pass_softmax(X, Dim).Dispose();
}

/// <summary>Forward and backward through autograd: what a training step sees.</summary>
public class SoftmaxForwardBackward : SoftmaxWorkload
{
    internal static readonly Table Table = new(
        "softmax",
        "softmax, forward and backward through autograd: fresh outputs and gradients, whose page faults cost both sides more than the arithmetic.",
        nameof(Torch), "torch, ns/element",
        [new("ours / torch", nameof(Ours), nameof(Torch), new("softmax, forward and backward", "libtorch's"))],
        WithBlocksKept: true);

    [Benchmark(Baseline = true)]
    public void Torch() => Full(static x => x.softmax(Dim));

    [Benchmark]
    public void Ours() => Full(static x => functional.two_pass_softmax(x, Dim));
}
