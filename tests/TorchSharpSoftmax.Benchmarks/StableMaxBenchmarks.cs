using BenchmarkDotNet.Attributes;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpSoftmax.Benchmarks;

/// <summary>No library has a fused StableMax: the peers are the fastest composition of libtorch's operators found, and the softmax that a user replaces.</summary>
public abstract class StableMaxWorkload : RowWorkload
{
    /// <summary>A row in L1, in L2 and in no cache; the row-wise shapes of models; another dim and another dtype.</summary>
    protected override IEnumerable<Shape> Measured =>
    [
        new(1, 1 << 10), new(1, 1 << 16), new(1, 1 << 22),
        new(5107, 113), new(32768, 100), new(4096, 1024), new(128, 32000),
        new(8, 1000, 256),
        new(1024, 1024, 1, ScalarType.BFloat16),
    ];
}

/// <summary>stablemax(x) into an output that exists.</summary>
public class StableMaxForward : StableMaxWorkload
{
    internal static readonly Table Table = new("stablemax", "stablemax into an output that exists; the composition has to allocate its own.", nameof(Softmax), "torch's softmax, ns/element",
    [
        new("ours / composed", nameof(Ours), nameof(FromOperators), new("stablemax, into an output that exists", Headline.Composed)),
        new("ours / torch's softmax", nameof(Ours), nameof(Softmax), new("stablemax, into an output that exists", "libtorch's softmax")),
        new("ours / limit (read + scale)", nameof(Ours), nameof(Limit)),
    ], AtLesserWidths: true);

    [Benchmark(Baseline = true)]
    public void Softmax() => Peer.SoftmaxOut(X, Dim, Out);

    [Benchmark]
    public void FromOperators() => Composition.StableMaxInPlace(X, Dim).Dispose();

    [Benchmark]
    public void Ours() => functional.stablemax(X, Dim, @out: Out);

    [Benchmark]
    public void Limit() => Limits.ReadThenScale(X, Out, Shape, Threads, streamed: false);
}

/// <summary>stablemax, forward and backward through autograd.</summary>
public class StableMaxForwardBackward : StableMaxWorkload
{
    internal static readonly Table Table = new("stablemax", "stablemax, forward and backward through autograd.", nameof(Softmax), "torch's softmax, ns/element",
    [
        new("ours / composed", nameof(Ours), nameof(FromOperators), new("stablemax, forward and backward", Headline.Composed)),
        new("ours / torch's softmax", nameof(Ours), nameof(Softmax), new("stablemax, forward and backward", "libtorch's softmax")),
    ], WithBlocksKept: true);

    [Benchmark(Baseline = true)]
    public void Softmax() => Full(static x => x.softmax(Dim));

    [Benchmark]
    public void FromOperators() => Full(static x => Composition.StableMax(x, Dim));

    [Benchmark]
    public void Ours() => Full(static x => functional.stablemax(x, Dim));
}

/// <summary>log_stablemax(x) into an output that exists.</summary>
public class LogStableMaxForward : StableMaxWorkload
{
    internal static readonly Table Table = new("stablemax", "log_stablemax into an output that exists; the composition has to allocate its own.", nameof(LogSoftmax), "torch's log_softmax, ns/element",
    [
        new("ours / composed", nameof(Ours), nameof(FromOperators)),
        new("ours / torch's log_softmax", nameof(Ours), nameof(LogSoftmax)),
    ]);

    [Benchmark(Baseline = true)]
    public void LogSoftmax() => Peer.LogSoftmaxOut(X, Dim, Out);

    [Benchmark]
    public void FromOperators() => Composition.LogStableMaxInPlace(X, Dim).Dispose();

    [Benchmark]
    public void Ours() => functional.log_stablemax(X, Dim, @out: Out);
}

/// <summary>log_stablemax, forward and backward through autograd.</summary>
public class LogStableMaxForwardBackward : StableMaxWorkload
{
    internal static readonly Table Table = new("stablemax", "log_stablemax, forward and backward through autograd.", nameof(LogSoftmax), "torch's log_softmax, ns/element",
    [
        new("ours / composed", nameof(Ours), nameof(FromOperators), new("log_stablemax, forward and backward", Headline.Composed)),
        new("ours / torch's log_softmax", nameof(Ours), nameof(LogSoftmax), new("log_stablemax, forward and backward", "libtorch's log_softmax")),
    ]);

    [Benchmark(Baseline = true)]
    public void LogSoftmax() => Full(static x => x.log_softmax(Dim));

    [Benchmark]
    public void FromOperators() => Full(static x => Composition.LogStableMax(x, Dim));

    [Benchmark]
    public void Ours() => Full(static x => functional.log_stablemax(x, Dim));
}
